// The group in an archer's words. Pure: the hub's statistics in, terms and their texts out.
import { texts } from "../texts/index.js";
import { measured, millimetres, millimetresBetween, offset, whole } from "./format.js";

/**
 * The groups of a lane: one, or one for each archer who shares the butt. title: the archer and the sums, "" for a butt of one;
 * first: pairs of a term and its text that an archer acts on, more: those that say how far to trust them.
 */
export function groups({ group, sight, slots, spread_from: spreadFrom }, archer = () => "") {
  if (group || slots.length < 2) return [{ title: "", ...termsOf(group, sight, spreadFrom) }];
  return slots.map((slot) => ({
    title: `${texts.ends.archer(slot.letter, archer(slot.letter))}: ${sumText(slot)}`,
    ...(slot.group ? termsOf(slot.group, slot.sight, spreadFrom) : { first: [], more: [] }),
  }));
}

function sumText({ totals: sums, best_points: best }) {
  return texts.group.sum(texts.arrows(sums.arrows), whole(sums.points), whole(best ?? 0));
}

function termsOf(group, sight, spreadFrom) {
  const { terms } = texts.group;
  if (!group) return { first: [[terms.middle, texts.none], [terms.widest, texts.none], [terms.sight, texts.none]], more: [] };
  const first = [
    [terms.middle, offset(group.dx_mm, group.dy_mm)],
    [terms.widest, group.n > 1 ? texts.group.size(millimetres(group.extreme_spread_mm), group.n) : texts.none],
    [terms.sight, sightText(sight)],
  ];
  const more = [];
  if (group.error_mm !== null) more.push([terms.accuracy, texts.group.toWithin(millimetres(group.error_mm))]);
  if (group.spread) {
    more.push([terms.spread, spreadText(group.spread)]);
    more.push([terms.half, texts.group.within(millimetres(group.r50_mm))]);
    more.push([terms.most, texts.group.within(millimetres(group.r95_mm))]);
  } else {
    more.push([terms.spread, texts.group.spreadLater(spreadFrom)]);
  }
  if (group.n > 1) more.push([terms.meanRadius, millimetres(group.mean_radius_mm)]);
  if (group.trend) more.push([terms.trend, trendText(group.trend)]);
  if (sight) more.push([terms.eyeToSight, texts.group.eyeToSight(measured(sight.eye_to_sight_m, 2, texts.units.m))]);
  return { first, more };
}

/**
 * The sight moves towards the group, on each axis on which the group lies off by more than chance explains. Without a move the hub
 * says whether the group is centred, or there are too few arrows to say.
 */
function sightText(sight) {
  if (!sight) return texts.group.leaveSight;
  const { right_mm: right, up_mm: up } = sight;
  const turn = (mm) => measured(Math.abs(mm), Math.abs(mm) < 0.095 ? 2 : 1, texts.units.mm);
  const moves = [];
  if (right !== null) moves.push((right < 0 ? texts.group.sight.left : texts.group.sight.right)(turn(right)));
  if (up !== null) moves.push((up < 0 ? texts.group.sight.down : texts.group.sight.up)(turn(up)));
  return moves.join(", ") || (sight.is_centred ? texts.group.centred : texts.group.leaveSight);
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

/** A spread with its interval, without which it says nothing of a few arrows: "107 mm (95 %: 87-136)". */
function spreadText({ sigma_mm: sigma, low_mm: low, high_mm: high }) {
  const [from, to] = millimetresBetween(low, high);
  return texts.group.interval(millimetres(sigma), from, to);
}
