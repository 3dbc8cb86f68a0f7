// The group in words: its middle, its spread as far as its arrows allow, and the advice for the sight.
import { groupTerms } from "../model/group.js";
import { texts } from "../texts/index.js";
import { definitions, element } from "./dom.js";

export function showGroup(section, statistics) {
  const found = groupTerms(statistics);
  section.hidden = !found.length;
  const count = statistics.group && element("span", { class: "count" }, texts.arrows(statistics.group.n));
  section.querySelector("h2").replaceChildren(`${texts.page.group} `, ...(count ? [count] : []));
  section.querySelector("dl").replaceChildren(...definitions(found));
}
