// The group in words: its middle, its spread as far as so few arrows tell, and what to do at the sight.
import { element } from "./dom.js";
import { SPREAD_FROM } from "./group.js";
import { measured, millimetres, offset } from "./words.js";

/** From the eye to the sight at full draw; an archer's own differs by a tenth. */
const EYE_TO_SIGHT_M = 0.85;

export function showGroup(section, found, distance) {
  section.hidden = !found;
  if (!found) return;
  const lines = [["Middle", `${offset(found.dx, found.dy)} of the centre`]];
  if (found.sigma) {
    lines.push(["Spread σ", `${millimetres(found.sigma.value)} an axis; 95 % sure of ${range(found.sigma)}`]);
    lines.push(["Half within", `${millimetres(found.half)} of the middle`]);
  } else {
    lines.push(["Spread σ", `told from ${SPREAD_FROM} arrows on`]);
  }
  if (found.n > 1) lines.push(["Mean radius", millimetres(found.meanRadius)], ["Widest pair", `${millimetres(found.widest)}, of ${arrows(found.n)}`]);
  if (found.sigma) lines.push(["Sight", sight(found, distance)]);
  if (found.trend) lines.push(["Later half", trend(found.trend)]);
  section.querySelector("h2").replaceChildren("Group ", element("span", { class: "count" }, arrows(found.n)));
  section.querySelector("dl").replaceChildren(...lines.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
}

/** Towards the group, on each axis on which it lies off by more than chance explains. */
function sight(found, distance) {
  const turn = (mm) => measured(Math.abs(mm) * EYE_TO_SIGHT_M / distance, 2, "mm");
  const moves = [];
  if (found.off.x) moves.push(`${turn(found.dx)} ${found.dx < 0 ? "left" : "right"}`);
  if (found.off.y) moves.push(`${turn(found.dy)} ${found.dy < 0 ? "down" : "up"}`);
  if (!moves.length) return `leave it: the middle is sure to ± ${millimetres(2 * found.error)} only`;
  return `move it ${moves.join(" and ")} (${EYE_TO_SIGHT_M} m from the eye)`;
}

function trend(found) {
  const moved = [];
  if (found.moved.x) moved.push(`${millimetres(Math.abs(found.dx))} further ${found.dx < 0 ? "left" : "right"}`);
  if (found.moved.y) moved.push(`${millimetres(Math.abs(found.dy))} ${found.dy < 0 ? "lower" : "higher"}`);
  if (found.wider) moved.push("wider");
  if (found.narrower) moved.push("tighter");
  const error = `(± ${millimetres(found.error)}; σ ${millimetres(found.before.value)}, then ${millimetres(found.after.value)})`;
  return `${moved.length ? moved.join(", ") : "as the earlier one"} ${error}`;
}

function range({ low, high }) {
  return `${parseFloat(millimetres(low))} to ${millimetres(high)}`;
}

function arrows(n) {
  return `${n} arrow${n === 1 ? "" : "s"}`;
}
