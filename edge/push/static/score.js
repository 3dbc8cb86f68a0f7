// The big numbers.
import { call, totals } from "./scoring.js";
import { arrow, place, seconds, speed } from "./words.js";

const put = (id, text) => { document.getElementById(id).textContent = text; };

export function showScore(shots, last) {
  const sums = totals(shots);
  put("last-value", last ? call(last) : "–");
  put("last-detail", last ? detail(last) : "no shot yet");
  put("total", String(sums.sum));
  put("total-detail", sums.arrows ? `of ${sums.scored * 10} with ${sums.scored} arrow${sums.scored === 1 ? "" : "s"}` : "");
  put("fact-arrows", String(sums.arrows));
  put("fact-hits", String(sums.hits));
  put("fact-x", String(sums.xs));
  put("fact-misses", String(sums.misses));
  put("fact-average", sums.average === null ? "–" : sums.average.toFixed(2));
  return sums;
}

function detail(shot) {
  const parts = [`shot ${place(shot)}`, `arrow ${arrow(shot)}`];
  if (shot.tof_s) parts.push(seconds(shot.tof_s), speed(shot.speed_mps));
  return parts.join(" · ");
}
