// The group as text. Pure: the hub's statistics in, terms and their texts out.
import { texts } from "../texts/index.js";
import { measured, millimetres, millimetresBetween, offset, whole } from "./format.js";

/** Pairs of a term and its text for a lane's statistics: of its group, or the sums and the group of each archer who shares the butt. */
export function groupTerms({ group, sight, slots, spread_from: spreadFrom }) {
  if (group) return termsOf(group, sight, spreadFrom);
  if (slots.length < 2) return [];
  return slots.flatMap((slot) => [[texts.group.slot(slot.letter), sumText(slot)], ...(slot.group ? termsOf(slot.group, slot.sight, spreadFrom) : [])]);
}

function sumText({ totals: sums, best_points: best }) {
  return texts.group.sum(texts.arrows(sums.arrows), whole(sums.points), whole(best ?? 0));
}

function termsOf(group, sight, spreadFrom) {
  const { terms } = texts.group;
  const lines = [[terms.middle, middleText(group)]];
  if (group.spread) {
    const { sigma_mm: sigma, low_mm: low, high_mm: high } = group.spread;
    lines.push([terms.spread, texts.group.spread(millimetres(sigma), millimetresBetween(low, high))]);
    lines.push([terms.half, texts.group.half(millimetres(group.r50_mm), millimetres(group.r95_mm))]);
  } else {
    lines.push([terms.spread, texts.group.spreadLater(spreadFrom)]);
  }
  if (group.n > 1) {
    lines.push([terms.meanRadius, millimetres(group.mean_radius_mm)]);
    lines.push([terms.widest, texts.group.widest(millimetres(group.extreme_spread_mm), group.n)]);
  }
  if (sight) lines.push([terms.sight, sightText(sight)]);
  if (group.trend) lines.push([terms.trend, trendText(group.trend)]);
  return lines;
}

function middleText({ dx_mm: dx, dy_mm: dy, error_mm: error }) {
  const where = texts.group.middle(offset(dx, dy));
  return error === null ? where : texts.group.known(where, millimetres(error));
}

/** The sight moves towards the group, on each axis on which the group lies off by more than chance explains. */
function sightText({ right_mm: right, up_mm: up, known_to_mm: knownTo, eye_to_sight_m: eyeToSight }) {
  const turn = (mm) => measured(Math.abs(mm), 2, texts.units.mm);
  const moves = [];
  if (right !== null) moves.push((right < 0 ? texts.left : texts.right)(turn(right)));
  if (up !== null) moves.push((up < 0 ? texts.group.down : texts.group.up)(turn(up)));
  if (!moves.length) return texts.group.leaveSight(millimetres(knownTo));
  return texts.group.moveSight(moves, measured(eyeToSight, 2, texts.units.m));
}

function trendText(found) {
  const moved = [];
  if (found.moved_x) moved.push((found.dx_mm < 0 ? texts.group.furtherLeft : texts.group.furtherRight)(millimetres(Math.abs(found.dx_mm))));
  if (found.moved_y) moved.push((found.dy_mm < 0 ? texts.group.lower : texts.group.higher)(millimetres(Math.abs(found.dy_mm))));
  if (found.is_wider) moved.push(texts.group.wider);
  if (found.is_tighter) moved.push(texts.group.tighter);
  const change = moved.length ? moved.join(", ") : texts.group.sameAsEarlier;
  return texts.group.trend(change, millimetres(found.error_mm), spreadText(found.before), spreadText(found.after));
}

/** A spread with its interval, without which it says nothing of a few arrows. */
function spreadText({ sigma_mm: sigma, low_mm: low, high_mm: high }) {
  return texts.group.within(millimetres(sigma), millimetresBetween(low, high));
}
