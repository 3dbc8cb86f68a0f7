// The score sheet: one row an end, its arrows highest first.
import { call, ends, spoken } from "./scoring.js";
import { element } from "./words.js";

export function showEnds(table, shots, arrowsPerEnd) {
  const all = ends(shots);
  const width = Math.max(arrowsPerEnd, ...all.map((end) => end.shots.length));
  const head = element("tr", {}, element("th", { scope: "col" }, "End"),
    element("th", { scope: "colgroup", colspan: width }, "Arrows"),
    element("th", { scope: "col", class: "number optional" }, "Hits"),
    ...["X", "Sum", "Total"].map((text) => element("th", { scope: "col", class: "number" }, text)));
  table.replaceChildren(
    element("caption", { class: "unseen" }, "Ends with the values of their arrows, highest first, sum and running total"),
    element("thead", {}, head),
    element("tbody", {}, ...all.map((end) => row(end, width))));
}

function row(end, width) {
  const cells = end.shots.map((shot) => element("td", { class: `arrow${shot.was ? " corrected" : ""}` },
    element("span", { role: "img", "aria-label": spoken(shot) }, call(shot))));
  while (cells.length < width) cells.push(element("td", { class: "arrow" }));
  return element("tr", {}, element("th", { scope: "row" }, end.number || "–"), ...cells,
    element("td", { class: "number optional" }, String(end.hits)), element("td", { class: "number" }, String(end.xs)),
    element("td", { class: "number sum" }, String(end.sum)), element("td", { class: "number" }, String(end.running)));
}
