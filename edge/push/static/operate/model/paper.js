// The second scorer: values on paper beside those of the sensors, and where they differ. Pure.
import { endName } from "../../model/ends.js";
import { counts } from "../../model/score.js";
import { MISS, rank, sorted, valueOf, X } from "./values.js";

/** The archer of shots that the hub can give to none, on a butt that several share. */
const NO_ARCHER = "-";

/** The archer whose shots an entry is compared with: "" for all shots of a butt that is not shared. */
export function archerOf(slots, slot) {
  return slots.length > 1 ? slot ?? NO_ARCHER : "";
}

/** The shots of one end that a score sheet lists, of one archer: a letter, NO_ARCHER, or "" for all. */
export function shotsOfEnd(shots, end, letter) {
  return shots.filter((shot) => counts(shot) && shot.end === end && (!letter || (shot.slot ?? NO_ARCHER) === letter) && !shot.extra);
}

/** The letter of the page's row for an archer of an end; null when that row would show the shots of others. */
export function rowOf(shots, end, letter) {
  const own = shotsOfEnd(shots, end, letter);
  return own.length ? own[0].letter ?? "" : null;
}

/** The ends that have shots: { number, name, count }, the newest first. */
export function endsOf(shots) {
  const found = new Map();
  for (const shot of shots) {
    if (!counts(shot) || !shot.end) continue;
    const known = found.get(shot.end) ?? { number: shot.end, name: shot.endName, count: 0 };
    found.set(shot.end, { ...known, count: known.count + 1 });
  }
  return [...found.values()].sort((a, b) => b.number - a.number);
}

/** The ends that a score card can have: those with shots, those entered before, and the next one; the newest first. */
export function cardEnds(shots, entries, sighterEnds) {
  const known = endsOf(shots);
  const valid = entries.filter((one) => entryOf(entries, one.end_number, one.slot ?? ""));
  const numbers = new Set([...known.map((one) => one.number), ...valid.map((one) => one.end_number)]);
  numbers.add(Math.max(0, ...numbers) + 1);
  const named = (number) => ({ number, name: endName(number, sighterEnds), count: 0 });
  return [...numbers].sort((a, b) => b - a).map((number) => known.find((one) => one.number === number) ?? named(number));
}

/**
 * The paper's values beside the sensors', highest first: rows of { paper, sensor, differs }. Equal values stand side by side;
 * those that have no equal one are paired in their order, with "" where one side has fewer arrows.
 */
export function compare(paper, sensors) {
  const left = sorted(sensors);
  const alone = [];
  const rows = [];
  for (const value of sorted(paper)) {
    const at = left.indexOf(value);
    if (at < 0) alone.push(value);
    else rows.push({ paper: value, sensor: left.splice(at, 1)[0], differs: false });
  }
  for (let i = 0; i < Math.max(alone.length, left.length); i++) rows.push({ paper: alone[i] ?? "", sensor: left[i] ?? "", differs: true });
  return rows.sort((a, b) => rank(b.paper || b.sensor) - rank(a.paper || a.sensor) || rank(b.sensor) - rank(a.sensor));
}

/** The values of an end by the sensors. */
export function sensorValues(shots, end, letter) {
  return shotsOfEnd(shots, end, letter).map(valueOf);
}

/** The sum of called values; worthX: of an X on this face. */
export function sumOf(values, worthX = 10) {
  let sum = 0;
  for (const value of values) sum += value === X ? worthX : value === MISS || value === "" ? 0 : Number(value);
  return sum;
}

/** What is on paper: { slot, end_number, values } of each end and archer, from the hub's comparison. */
export function entriesOf(ends) {
  return ends.filter((end) => end.paper).map(({ slot, end_number, paper }) => ({ slot, end_number, values: paper.values }));
}

/** The valid entry of an end and archer, the newest unless it withdraws it; letter "" on a butt without slots. */
export function entryOf(entries, number, letter) {
  const newest = entries.findLast((one) => one.end_number === number && (one.slot ?? "") === letter);
  return newest?.values.length ? newest : undefined;
}
