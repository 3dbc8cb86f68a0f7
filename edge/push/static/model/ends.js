// Ends: the end of each shot and its place there, and the rows of the score sheet. Pure: shots and the hub's statistics in, rows out.
import { texts } from "../texts/index.js";
import { counts, moment } from "./score.js";
import { NOT_COUNTED } from "./vocabulary.js";

/**
 * Shots in the order of their release. Each gets its end ("S1" for the first end of sighters, "1" for the first that
 * counts, "" while no end is known), its number there, and whether it is a sighter or a surplus arrow. Where several archers share
 * the butt it gets the letter of its archer, and its number is that among the archer's.
 * The assembler marks surplus arrows, so that all totals of the hub agree.
 */
export function inOrder(shots, sighterEnds) {
  const numbers = new Map();
  const isShared = new Set(shots.filter(counts).map((shot) => shot.slot).filter(Boolean)).size > 1;
  return [...shots].sort((a, b) => moment(a) - moment(b) || (a.id < b.id ? -1 : 1)).map((shot) => {
    const end = shot.end_number ?? 0;
    const letter = (isShared && shot.slot) || "";
    const number = (numbers.get(`${letter}${end}`) ?? 0) + 1;
    if (counts(shot)) numbers.set(`${letter}${end}`, number);
    return { ...shot, end, letter, endName: endName(end, sighterEnds), inEnd: counts(shot) ? number : null, sighter: end > 0 && end <= sighterEnds,
      extra: shot.flags.some((flag) => NOT_COUNTED.includes(flag)) };
  });
}

/**
 * One row per end, and per archer where several share the butt; its arrows as the hub sorts them, with the hub's sums. A shot that
 * is newer than the statistics is shown at the end of its row until they follow; statistics: null while there are none.
 */
export function sheet(ordered, statistics) {
  const shots = new Map(ordered.filter(counts).map((shot) => [shot.id, shot]));
  const rows = new Map();
  const row = ({ letter, end, endName, sighter }) => {
    const key = `${letter}${end}`;
    const name = letter ? texts.ends.ofSlot(letter, endName || texts.none) : endName;
    if (!rows.has(key)) rows.set(key, { letter, end, name, sighter, shots: [], hits: null, xs: null, sum: null, running: null });
    return rows.get(key);
  };
  for (const { slot, number, shots: ids, totals, running } of statistics?.ends ?? []) {
    const known = ids.map((id) => shots.get(id)).filter((shot) => shot && shot.end === (number ?? 0) && shot.letter === (slot ?? ""));
    if (!known.length) continue; // the page has not heard of its shots yet, or they do not count any more
    for (const { id } of known) shots.delete(id);
    Object.assign(row(known[0]), { shots: known, hits: totals.hits, xs: totals.xs, sum: totals.points, running });
  }
  for (const shot of shots.values()) row(shot).shots.push(shot);
  const last = (text) => text || "\uffff";
  return [...rows.values()].sort((a, b) =>
    (last(a.letter) < last(b.letter) ? -1 : last(a.letter) > last(b.letter) ? 1 : (a.end || Infinity) - (b.end || Infinity)));
}

/** The shots of the end of a shot, of its archer alone, in the order of their release. */
export function shotsOfEnd(ordered, last) {
  return last ? ordered.filter((shot) => counts(shot) && shot.end === last.end && shot.letter === last.letter) : [];
}

/** The hub's sums of the end of a shot, undefined until they include it. */
export function endOf(statistics, last) {
  return last && statistics?.ends.find((end) => end.shots.includes(last.id));
}

/**
 * The hub's sums of the archer of a shot, { totals, best_points }: where several share the butt those of the letter, and the running total
 * of the shots without one; else those of the session. undefined while there are none.
 */
export function sumsOf(statistics, last) {
  if (!statistics || !last || statistics.slots.length < 2) return statistics ?? undefined;
  if (last.letter) return statistics.slots.find((slot) => slot.letter === last.letter);
  const points = statistics.ends.findLast((end) => end.slot === null && end.running !== null)?.running ?? null;
  return { totals: { arrows: null, points, hits: null, xs: null, misses: null, average: null }, best_points: null };
}

/** The name of the archer of a shot where several share the butt, else "". */
export function archerOf(statistics, last) {
  if (!last || (statistics?.slots.length ?? 0) < 2) return "";
  return last.letter ? texts.ends.archer(last.letter, last.archer) : texts.ends.noArcher;
}

/** One row per archer of a butt: letter, name, and the hub's sums of the current end and of the session. */
export function archerRows(slots, statistics, last) {
  return (statistics?.slots ?? []).map(({ letter, totals }) => {
    const end = last && statistics.ends.find((one) => one.slot === letter && one.number === last.end);
    return { letter, name: texts.ends.archer(letter, slots.find((slot) => slot.letter === letter)?.archer), end: end?.totals.points ?? null,
      arrows: totals.arrows, average: totals.average, total: totals.points, isLast: last?.slot === letter };
  });
}

export function endName(end, sighterEnds) {
  if (!end) return "";
  return end <= sighterEnds ? texts.ends.sighterName(end) : String(end - sighterEnds);
}
