// The table of arrows: how each one does, and whether it flies elsewhere than the others.
import { arrowReport } from "./arrows.js";
import { element } from "./dom.js";
import { fixed, offset } from "./words.js";

export function showArrows(section, shots, faces) {
  const rows = arrowReport(shots, faces);
  section.hidden = !rows.length;
  const heads = [["Arrow"], ["Shots", "number"], ["Average", "number"], ["From the group's middle, mm"], ["±", "number"]];
  section.querySelector("table").replaceChildren(
    element("caption", { class: "unseen" }, "Arrows: shots, average, and the mean place less the group's with its standard error"),
    element("thead", {}, element("tr", {}, ...heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text)))),
    element("tbody", {}, ...rows.map(row)));
}

function row(arrow) {
  return element("tr", { class: arrow.beyond && "beyond" },
    element("th", { scope: "row" }, arrow.name), element("td", { class: "number" }, String(arrow.n)),
    element("td", { class: "number" }, fixed(arrow.average, 2)),
    element("td", {}, arrow.dx === null ? "–" : offset(arrow.dx, arrow.dy).replaceAll("\u00a0mm", ""),
      ...(arrow.beyond ? [element("span", { class: "note" }, " check this arrow")] : [])),
    element("td", { class: "number" }, arrow.error === null ? "–" : fixed(arrow.error, 0)));
}
