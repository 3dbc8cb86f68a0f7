// The group in words: its middle, its spread as far as its arrows allow, and the advice for the sight.
import { groupTerms } from "../model/group.js";
import { texts } from "../texts/index.js";
import { definitions, element } from "./dom.js";

export function showGroup(section, statistics) {
  section.hidden = !statistics.group;
  if (!statistics.group) return;
  const count = element("span", { class: "count" }, texts.arrows(statistics.group.n));
  section.querySelector("h2").replaceChildren(`${texts.page.group} `, count);
  section.querySelector("dl").replaceChildren(...definitions(groupTerms(statistics)));
}
