// The score sheet: one row per end, its arrows highest first.
import { sheet } from "../model/ends.js";
import { whole } from "../model/format.js";
import { call, spoken } from "../model/score.js";
import { Flag } from "../model/vocabulary.js";
import { texts } from "../texts/index.js";
import { element } from "./dom.js";

/** statistics: null while there are none. */
export function showEnds(table, shots, statistics, arrowsPerEnd, archer, last) {
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
    ...byArcher(all).map(({ letter, ends }, _, { length }) => element("tbody", {},
      ...(length > 1 ? [heading(letter, archer(letter), width)] : []), ...ends.map((end) => row(end, width, last)))));
  reveal(table);
}

/** Scroll to the end of the last shot, once for each end: the reader may look at others meanwhile. */
function reveal(table) {
  const now = table.querySelector("tr.now");
  const name = now?.querySelector("th").textContent ?? "";
  if (table.dataset.now === name) return;
  table.dataset.now = name;
  const holder = table.parentElement;
  if (now) holder.scrollTop = now.offsetTop + now.offsetHeight - holder.clientHeight;
}

/** The rows of each archer; they come in the order of the letters. */
function byArcher(all) {
  const found = [];
  for (const end of all) {
    if (found.at(-1)?.letter !== end.letter) found.push({ letter: end.letter, ends: [] });
    found.at(-1).ends.push(end);
  }
  return found;
}

function heading(letter, name, width) {
  return element("tr", { class: "archer" },
    element("th", { scope: "rowgroup", colspan: width + 5 }, letter ? texts.ends.archer(letter, name) : texts.ends.noArcher));
}

function row(end, width, last) {
  const cells = end.shots.map(cell);
  while (cells.length < width) cells.push(element("td", { class: "arrow" }));
  const states = [end.sighter && "sighter", end.shots.includes(last) && "now"].filter(Boolean).join(" ") || null;
  return element("tr", { class: states, "data-end": end.end, "data-letter": end.letter }, element("th", { scope: "row" }, end.name || texts.none), ...cells,
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
