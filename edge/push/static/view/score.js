// The big numbers, the arrows of the current end as coloured chips, and the sums of each archer.
import { archerOf, archerRows, endOf, shotsOfEnd, sumsOf } from "../model/ends.js";
import { arrowPhrase, fixed, measured, place, speed, whole } from "../model/format.js";
import { call, colour, isFlying, lastOf, spoken } from "../model/score.js";
import { texts } from "../texts/index.js";
import { byId, element, tableHead } from "./dom.js";

const put = (id, text) => { byId(id).textContent = text; };

/** The last shot and the arrows of its end, which events bring at once. */
export function showLast(shots, arrowsPerEnd) {
  const last = lastOf(shots);
  put("last-value", last ? call(last) : texts.none);
  put("last-label", last?.sighter ? texts.score.lastSighter : texts.score.lastShot);
  put("last-detail", last ? detail(last) : texts.score.noShot);
  put("flying", isFlying(shots) ? texts.flying : "");
  byId("chips").replaceChildren(...chips(shots, last, arrowsPerEnd));
}

/** Dashes until the sums of another session are known. */
export function clearTotals() {
  for (const id of ["end-sum", "total", "fact-arrows", "fact-hits", "fact-x", "fact-misses", "fact-average"]) put(id, texts.none);
  put("end-detail", "");
  put("total-detail", "");
  byId("archers").hidden = true;
}

/** The sums of the hub, on a shared butt of the archer who shot last. The sum of an end stays until one that includes the last shot arrives. */
export function showTotals(statistics, shots, slots) {
  const last = lastOf(shots);
  const found = sumsOf(statistics, last);
  const end = endOf(statistics, last);
  if (end || !last) {
    put("end-sum", end ? whole(end.totals.points) : texts.none);
    put("end-detail", end ? last.endName && texts.score.end(last.endName) : "");
  }
  if (found) showSums(found, archerOf(statistics, last), last);
  showArchers(byId("archers"), archerRows(slots, statistics, last), statistics.totals);
}

function showSums({ totals: sums, best_points: best }, archer, last) {
  const about = sums.arrows && best !== null ? texts.score.of(whole(best), sums.scored) : last?.sighter ? texts.score.sightersOnly : "";
  put("total", whole(sums.points));
  put("total-detail", [archer, about].filter(Boolean).join(" · "));
  put("fact-arrows", whole(sums.arrows));
  put("fact-hits", whole(sums.hits));
  put("fact-x", whole(sums.xs));
  put("fact-misses", whole(sums.misses));
  put("fact-average", fixed(sums.average, 2));
}

/** The arrows of the end of a shot, in the order of their release, and a place for each that is to be shot. */
export function chips(shots, last, arrowsPerEnd) {
  const found = shotsOfEnd(shots, last).map((shot) => {
    const states = ["chip-value", colour(shot), shot.id === last.id && "latest", shot.extra && "extra"];
    const label = shot.extra ? `${spoken(shot)}, ${texts.ends.surplus}` : spoken(shot);
    return element("li", { class: states.filter(Boolean).join(" ") }, element("span", { role: "img", "aria-label": label }, call(shot)));
  });
  while (found.length < arrowsPerEnd) {
    found.push(element("li", { class: "chip-value free" }, element("span", { role: "img", "aria-label": texts.score.toShoot })));
  }
  return found;
}

function showArchers(table, rows, all) {
  table.hidden = rows.length < 2;
  if (table.hidden) return;
  const { archerHeads: heads, archersCaption } = texts.score;
  table.replaceChildren(
    element("caption", { class: "unseen" }, archersCaption),
    tableHead([[heads.archer], [heads.end, "number"], [heads.arrows, "number"], [heads.average, "number"], [heads.total, "number"]]),
    element("tbody", {}, ...rows.map(({ name, end, arrows, average, total, isLast }) => element("tr", { class: isLast && "last" },
      element("th", { scope: "row" }, name), element("td", { class: "number" }, whole(end)), element("td", { class: "number" }, whole(arrows)),
      element("td", { class: "number" }, fixed(average, 2)), element("td", { class: "number sum" }, whole(total))))),
    element("tfoot", {}, element("tr", {}, element("th", { scope: "row" }, texts.score.allArchers), element("td"),
      element("td", { class: "number" }, whole(all.arrows)), element("td", { class: "number" }, fixed(all.average, 2)),
      element("td", { class: "number sum" }, whole(all.points)))));
}

function detail(shot) {
  const parts = [shot.archer, texts.score.detail(place(shot), arrowPhrase(shot))].filter(Boolean);
  if (shot.tof_s) parts.push(`${measured(shot.tof_s, 2, texts.units.s)} · ${speed(shot.speed_mps)}`.replaceAll(" ", "\u00a0"));
  return parts.join(" · ");
}
