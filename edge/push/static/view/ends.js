// The score sheet: one row per end, its arrows highest first.
import { sheet } from "../model/ends.js";
import { whole } from "../model/format.js";
import { call, spoken } from "../model/score.js";
import { Flag } from "../model/vocabulary.js";
import { texts } from "../texts/index.js";
import { element } from "./dom.js";

/** statistics: null while there are none. */
export function showEnds(table, shots, statistics, arrowsPerEnd) {
  const all = sheet(shots, statistics);
  const width = Math.max(arrowsPerEnd, ...all.map((end) => end.shots.length));
  const { heads, caption } = texts.ends;
  const head = element("tr", {}, element("th", { scope: "col" }, heads.end),
    element("th", { scope: "colgroup", colspan: width }, heads.arrows),
    element("th", { scope: "col", class: "number optional" }, heads.hits),
    ...[heads.x, heads.sum, heads.total].map((text) => element("th", { scope: "col", class: "number" }, text)));
  table.replaceChildren(
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, head),
    element("tbody", {}, ...all.map((end) => row(end, width))));
}

function row(end, width) {
  const cells = end.shots.map(cell);
  while (cells.length < width) cells.push(element("td", { class: "arrow" }));
  return element("tr", { class: end.sighter && "sighter", "data-end": end.end, "data-letter": end.letter }, element("th", { scope: "row" }, end.name || texts.none), ...cells,
    element("td", { class: "number optional" }, whole(end.hits)), element("td", { class: "number" }, whole(end.xs)),
    element("td", { class: "number sum" }, end.sighter && end.sum !== null ? texts.ends.sighterSum(whole(end.sum)) : whole(end.sum)),
    element("td", { class: "number" }, whole(end.running)));
}

function cell(shot) {
  const states = ["arrow", (shot.previous_value || shot.flags.includes(Flag.CORRECTED)) && "corrected", shot.recent && "recent", shot.extra && "extra"];
  const label = [spoken(shot), shot.previous_value && texts.ends.correctedFrom(shot.previous_value), shot.extra && texts.ends.surplus];
  return element("td", { class: states.filter(Boolean).join(" ") },
    element("span", { role: "img", "aria-label": label.filter(Boolean).join(", ") }, call(shot)));
}
