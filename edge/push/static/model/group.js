// The group: its middle, its spread and their uncertainty, in numbers and as text. Pure: points in millimetres in.
import { texts } from "../texts/index.js";
import { measured, millimetres, millimetresBetween, offset } from "./format.js";
import { counts } from "./score.js";
import { Result } from "./vocabulary.js";

/** Arrows needed for a spread, and for a trend of it. */
export const SPREAD_FROM = 6;
export const TREND_FROM = 12;
/** Radius, in sigma, of the circle that holds half of the arrows of a circular normal distribution. */
const HALF_WITHIN = Math.sqrt(2 * Math.log(2));
/** From the eye to the sight at full draw; it varies by a tenth between archers. */
const EYE_TO_SIGHT_M = 0.85;

/** Shots with a place, each with dx and dy from the middle of its face: the one it hit, else the nearest. */
export function located(shots, faces) {
  if (!faces.length) return [];
  const away = (shot, face) => Math.hypot(shot.x - face.x, shot.y - face.y);
  return shots
    .filter((shot) => counts(shot) && !shot.sighter && isNumber(shot.x) && isNumber(shot.y) && shot.result !== Result.OFF_VIEW)
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
 * The statistics that the number of points allows; null without any. points: in the order they were shot.
 * sigma: per axis, from SPREAD_FROM on; low and high enclose its true value in 95 of 100 cases.
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

/** Unbiased per-axis sigma from a sum of squares over two axes with k degrees of freedom each, and its 95 % interval. */
export function spread(sum, k) {
  const s = Math.sqrt(sum / (2 * k));
  return { value: s / bias(k), low: s * Math.sqrt(2 * k / chiSquare(0.975, k)), high: s * Math.sqrt(2 * k / chiSquare(0.025, k)) };
}

/** The mean ratio of a sample's s to sigma: c4 of 2k degrees of freedom. */
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

/** The distance of the two points farthest apart. It grows with n: never compare it across different n. */
function widest(points) {
  let far = 0;
  for (const a of points) for (const b of points) far = Math.max(far, Math.hypot(a.dx - b.dx, a.dy - b.dy));
  return far;
}

/** The later half against the earlier one: the move of the middle with its standard error, and both spreads. */
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

/** Pairs of a term and its text for a group. distance: to the target, in metres. */
export function groupTerms(found, distance) {
  const { terms } = texts.group;
  const lines = [[terms.middle, texts.group.middle(offset(found.dx, found.dy))]];
  if (found.sigma) {
    const { value, low, high } = found.sigma;
    lines.push([terms.spread, texts.group.spread(millimetres(value), millimetresBetween(low, high))]);
    lines.push([terms.half, texts.group.half(millimetres(found.half))]);
  } else {
    lines.push([terms.spread, texts.group.spreadLater(SPREAD_FROM)]);
  }
  if (found.n > 1) {
    lines.push([terms.meanRadius, millimetres(found.meanRadius)]);
    lines.push([terms.widest, texts.group.widest(millimetres(found.widest), found.n)]);
  }
  if (found.sigma) lines.push([terms.sight, sightText(found, distance)]);
  if (found.trend) lines.push([terms.trend, trendText(found.trend)]);
  return lines;
}

/** The sight moves towards the group, on each axis on which the group lies off by more than chance explains. */
function sightText(found, distance) {
  const turn = (mm) => measured(Math.abs(mm) * EYE_TO_SIGHT_M / distance, 2, texts.units.mm);
  const moves = [];
  if (found.off.x) moves.push((found.dx < 0 ? texts.left : texts.right)(turn(found.dx)));
  if (found.off.y) moves.push((found.dy < 0 ? texts.group.down : texts.group.up)(turn(found.dy)));
  if (!moves.length) return texts.group.leaveSight(millimetres(2 * found.error));
  return texts.group.moveSight(moves, measured(EYE_TO_SIGHT_M, 2, texts.units.m));
}

function trendText(found) {
  const moved = [];
  if (found.moved.x) moved.push((found.dx < 0 ? texts.group.furtherLeft : texts.group.furtherRight)(millimetres(Math.abs(found.dx))));
  if (found.moved.y) moved.push((found.dy < 0 ? texts.group.lower : texts.group.higher)(millimetres(Math.abs(found.dy))));
  if (found.wider) moved.push(texts.group.wider);
  if (found.narrower) moved.push(texts.group.tighter);
  const change = moved.length ? moved.join(", ") : texts.group.sameAsEarlier;
  return texts.group.trend(change, millimetres(found.error), millimetres(found.before.value), millimetres(found.after.value));
}
