// The second scorer: values on paper beside those of the sensors, and where they differ. Pure.
import { counts } from "../../model/score.js";
import { MISS, rank, sorted, valueOf, X } from "./values.js";

/** The shots of one end, of one archer where several share the butt: those that a score sheet lists. */
export function shotsOfEnd(shots, end, letter) {
  return shots.filter((shot) => counts(shot) && shot.end === end && (!letter || shot.slot === letter) && !shot.extra);
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

/** The newest entry of an end and archer; letter "" on a butt without slots. */
export function entryOf(entries, number, letter) {
  return entries.findLast((one) => one.end_number === number && (one.slot ?? "") === letter);
}
