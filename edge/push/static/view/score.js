// The big numbers.
import { call, totals } from "./scoring.js";
import { arrow, fixed, measured, place } from "./words.js";

const put = (id, text) => { document.getElementById(id).textContent = text; };

/** best: what one arrow can count at most. */
export function showScore(shots, last, best) {
  const sums = totals(shots);
  put("last-value", last ? call(last) : "–");
  put("last-label", last?.sighter ? "Last shot · sighter" : "Last shot");
  put("last-detail", last ? detail(last) : "no shot yet");
  put("total", String(sums.sum));
  put("total-detail", sums.arrows ? `of ${sums.scored * best} with ${sums.scored} arrow${sums.scored === 1 ? "" : "s"}` : last?.sighter ? "sighters do not count" : "");
  put("fact-arrows", String(sums.arrows));
  put("fact-hits", String(sums.hits));
  put("fact-x", String(sums.xs));
  put("fact-misses", String(sums.misses));
  put("fact-average", fixed(sums.average, 2));
}

function detail(shot) {
  const parts = [`shot ${place(shot)}`, `arrow ${arrow(shot)}`];
  if (shot.tof_s) parts.push(`${measured(shot.tof_s, 2, "s")}\u00a0· ${measured(shot.speed_mps, 1, "m/s")}`.replaceAll(" ", "\u00a0"));
  return parts.join(" · ");
}
