// The table of arrows: the average of each, and a mark on one that flies elsewhere than the others.
import { arrowNumbers, arrowRows } from "../model/arrows.js";
import { bareOffset, fixed, whole } from "../model/format.js";
import { texts } from "../texts/index.js";
import { element, tableHead } from "./dom.js";

export function showArrows(section, statistics, shots) {
  const rows = arrowRows(statistics, arrowNumbers(shots));
  section.hidden = !rows.length;
  const { heads, caption } = texts.arrowTable;
  section.querySelector("table").replaceChildren(
    element("caption", { class: "unseen" }, caption),
    tableHead([[heads.arrow], [heads.shots, "number"], [heads.average, "number"], [heads.offset], [heads.error, "number"]]),
    element("tbody", {}, ...rows.map(row)));
}

function row(arrow) {
  return element("tr", { class: arrow.advice && "beyond" },
    element("th", { scope: "row" }, arrow.name), element("td", { class: "number" }, whole(arrow.n)),
    element("td", { class: "number" }, fixed(arrow.average, 2)),
    element("td", {}, arrow.dx === null ? texts.none : bareOffset(arrow.dx, arrow.dy),
      ...(arrow.advice ? [element("span", { class: "note" }, ` ${arrow.advice}`)] : [])),
    element("td", { class: "number" }, fixed(arrow.error, 0)));
}
