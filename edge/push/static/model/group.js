// The group: where its middle is and how wide it is, and how sure that is. Pure: points in millimetres in, numbers out.
import { counts } from "./scoring.js";

/** From so many arrows on a spread is told, and from twice as many whether it changes. */
export const SPREAD_FROM = 6;
export const TREND_FROM = 12;
/** Half of the arrows of a circular normal distribution lie within so many sigma of its middle. */
const HALF_WITHIN = Math.sqrt(2 * Math.log(2));

/** Shots that have a place, each with dx and dy from the middle of its face: the one it hit, else the nearest. */
export function located(shots, faces) {
  if (!faces.length) return [];
  const away = (shot, face) => Math.hypot(shot.x - face.x, shot.y - face.y);
  return shots
    .filter((shot) => counts(shot) && !shot.sighter && isNumber(shot.x) && isNumber(shot.y) && shot.result !== "off_view")
    .map((shot) => {
      const face = faces.find((one) => one.id === shot.face_id)
        ?? faces.reduce((best, one) => (away(shot, one) < away(shot, best) ? one : best));
      return { ...shot, dx: shot.x - face.x, dy: shot.y - face.y };
    });
}

export function middle(points) {
  const n = points.length;
  return { dx: points.reduce((sum, p) => sum + p.dx, 0) / n, dy: points.reduce((sum, p) => sum + p.dy, 0) / n };
}

/**
 * All that so few or many points can tell; null without any. points: in the order they were shot.
 * sigma: per axis, from SPREAD_FROM on; low and high hold its true value in 95 of 100 cases.
 * off: whether the middle lies off the face's by more than chance explains (2 standard errors), per axis.
 */
export function group(points) {
  const n = points.length;
  if (!n) return null;
  const centre = middle(points);
  const sigma = n >= SPREAD_FROM ? spread(squares(points), n - 1) : null;
  const error = sigma && sigma.value / Math.sqrt(n);
  return {
    n, ...centre, sigma, error,
    half: sigma && HALF_WITHIN * sigma.value,
    off: { x: Boolean(sigma) && Math.abs(centre.dx) > 2 * error, y: Boolean(sigma) && Math.abs(centre.dy) > 2 * error },
    meanRadius: points.reduce((sum, p) => sum + Math.hypot(p.dx - centre.dx, p.dy - centre.dy), 0) / n,
    widest: widest(points),
    trend: n >= TREND_FROM ? trend(points) : null,
  };
}

/** Sum of squared distances to the points' own middle. */
export function squares(points) {
  const centre = middle(points);
  return points.reduce((sum, p) => sum + (p.dx - centre.dx) ** 2 + (p.dy - centre.dy) ** 2, 0);
}

/** Per-axis sigma from a sum of squares over two axes with k degrees of freedom each, without bias, and its 95 % interval. */
export function spread(sum, k) {
  const s = Math.sqrt(sum / (2 * k));
  return { value: s / bias(k), low: s * Math.sqrt(2 * k / chiSquare(0.975, k)), high: s * Math.sqrt(2 * k / chiSquare(0.025, k)) };
}

/** How far a sample's s falls short of sigma on average: c4 of 2k degrees of freedom. */
function bias(k) {
  let ratio = Math.sqrt(Math.PI) / 2; // gamma(k + 1/2) / gamma(k), for k = 1
  for (let i = 1; i < k; i++) ratio *= (i + 0.5) / i;
  return ratio / Math.sqrt(k);
}

/** The quantile of chi square with 2k degrees of freedom: an even number, so its distribution is a finite sum. */
export function chiSquare(probability, k) {
  let low = 0;
  let high = 2 * k + 20 * Math.sqrt(k) + 20;
  while (high - low > 1e-9 * high) {
    const x = (low + high) / 2;
    if (below(x / 2, k) < probability) low = x; else high = x;
  }
  return (low + high) / 2;
}

function below(half, k) {
  let logTerm = -half;
  let above = Math.exp(logTerm);
  for (let j = 1; j < k; j++) {
    logTerm += Math.log(half / j);
    above += Math.exp(logTerm);
  }
  return 1 - above;
}

/** The distance of the two points that lie farthest apart. It grows with n: never compare it across different n. */
function widest(points) {
  let far = 0;
  for (const a of points) for (const b of points) far = Math.max(far, Math.hypot(a.dx - b.dx, a.dy - b.dy));
  return far;
}

/** The later half against the earlier one: how far its middle moved, with the standard error, and both spreads. */
function trend(points) {
  const cut = Math.floor(points.length / 2);
  const [early, late] = [points.slice(0, cut), points.slice(cut)];
  const [from, to] = [middle(early), middle(late)];
  const [before, after] = [spread(squares(early), early.length - 1), spread(squares(late), late.length - 1)];
  const error = Math.sqrt(before.value ** 2 / early.length + after.value ** 2 / late.length);
  const [dx, dy] = [to.dx - from.dx, to.dy - from.dy];
  return {
    dx, dy, error, before, after,
    moved: { x: Math.abs(dx) > 2 * error, y: Math.abs(dy) > 2 * error },
    wider: after.low > before.high, narrower: after.high < before.low,
  };
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}
