// The score sheet: one row an end, its arrows highest first.
import { element } from "./dom.js";
import { ends } from "./ends.js";
import { call, spoken } from "./scoring.js";

export function showEnds(table, shots, arrowsPerEnd) {
  const all = ends(shots);
  const width = Math.max(arrowsPerEnd, ...all.map((end) => end.shots.length));
  const head = element("tr", {}, element("th", { scope: "col" }, "End"),
    element("th", { scope: "colgroup", colspan: width }, "Arrows"),
    element("th", { scope: "col", class: "number optional" }, "Hits"),
    ...["X", "Sum", "Total"].map((text) => element("th", { scope: "col", class: "number" }, text)));
  table.replaceChildren(
    element("caption", { class: "unseen" }, "Ends with the values of their arrows, highest first, sum and running total. Ends named S are sighters and do not count."),
    element("thead", {}, head),
    element("tbody", {}, ...all.map((end) => row(end, width))));
}

function row(end, width) {
  const cells = end.shots.map(cell);
  while (cells.length < width) cells.push(element("td", { class: "arrow" }));
  return element("tr", { class: end.sighter && "sighter" }, element("th", { scope: "row" }, end.name || "–"), ...cells,
    element("td", { class: "number optional" }, String(end.hits)), element("td", { class: "number" }, String(end.xs)),
    element("td", { class: "number sum" }, end.sighter ? `(${end.sum})` : String(end.sum)),
    element("td", { class: "number" }, end.running === null ? "–" : String(end.running)));
}

function cell(shot) {
  const states = ["arrow", (shot.previous_value || shot.flags.includes("corrected")) && "corrected", shot.recent && "recent", shot.extra && "extra"];
  const said = [spoken(shot), shot.previous_value && `corrected from ${shot.previous_value}`, shot.extra && "does not count: one arrow too many"];
  return element("td", { class: states.filter(Boolean).join(" ") },
    element("span", { role: "img", "aria-label": said.filter(Boolean).join(", ") }, call(shot)));
}
