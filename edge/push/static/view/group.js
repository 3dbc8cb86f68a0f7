// The group in words: its middle, its spread as far as its arrows allow, and the advice for the sight.
import { groupTerms } from "../model/group.js";
import { texts } from "../texts/index.js";
import { definitions, element } from "./dom.js";

export function showGroup(section, found, distance) {
  section.hidden = !found;
  if (!found) return;
  const count = element("span", { class: "count" }, texts.arrows(found.n));
  section.querySelector("h2").replaceChildren(`${texts.page.group} `, count);
  section.querySelector("dl").replaceChildren(...definitions(groupTerms(found, distance)));
}
