// The big numbers.
import { arrow, fixed, measured, place, whole } from "../model/format.js";
import { call } from "../model/score.js";
import { texts } from "../texts/index.js";
import { byId } from "./dom.js";

const put = (id, text) => { byId(id).textContent = text; };

/** The last shot, which an event brings at once. */
export function showLast(last) {
  put("last-value", last ? call(last) : texts.none);
  put("last-label", last?.sighter ? texts.score.lastSighter : texts.score.lastShot);
  put("last-detail", last ? detail(last) : texts.score.noShot);
}

/** Dashes until the sums of another session are known. */
export function clearTotals() {
  for (const id of ["total", "fact-arrows", "fact-hits", "fact-x", "fact-misses", "fact-average"]) put(id, texts.none);
  put("total-detail", "");
}

/** The sums of the hub. */
export function showTotals({ totals: sums, best_points: best, slots }, last) {
  put("total", whole(sums.points));
  put("total-detail", sums.arrows ? texts.score.of(whole(best ?? 0), sums.scored, slots.length) : last?.sighter ? texts.score.sightersOnly : "");
  put("fact-arrows", whole(sums.arrows));
  put("fact-hits", whole(sums.hits));
  put("fact-x", whole(sums.xs));
  put("fact-misses", whole(sums.misses));
  put("fact-average", fixed(sums.average, 2));
}

function detail(shot) {
  const parts = [texts.score.detail(place(shot), arrow(shot))];
  if (shot.tof_s) parts.push(`${measured(shot.tof_s, 2, texts.units.s)} · ${measured(shot.speed_mps, 1, texts.units.mps)}`.replaceAll(" ", "\u00a0"));
  return parts.join(" · ");
}
