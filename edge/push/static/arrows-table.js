// The table of arrows: how each one does, and whether it flies elsewhere than the others.
import { arrowReport } from "./arrows.js";
import { element } from "./dom.js";
import { fixed, millimetres, offset } from "./words.js";

export function showArrows(section, shots, faces) {
  const rows = arrowReport(shots, faces);
  section.hidden = !rows.length;
  const heads = [["Arrow"], ["Shots", "number"], ["Average", "number"], ["From the group's middle"], ["±", "number"], ["Note"]];
  section.querySelector("table").replaceChildren(
    element("caption", { class: "unseen" }, "Arrows: shots, average, and the mean place less the group's with its standard error"),
    element("thead", {}, element("tr", {}, ...heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text)))),
    element("tbody", {}, ...rows.map(row)));
}

function row(arrow) {
  return element("tr", { class: arrow.beyond && "beyond" },
    element("th", { scope: "row" }, arrow.name), element("td", { class: "number" }, String(arrow.n)),
    element("td", { class: "number" }, fixed(arrow.average, 2)),
    element("td", {}, arrow.dx === null ? "–" : offset(arrow.dx, arrow.dy)),
    element("td", { class: "number" }, arrow.error === null ? "–" : millimetres(arrow.error)),
    element("td", { class: "note" }, arrow.beyond ? "check this arrow" : ""));
}
