// Ends: the end of each shot and its place there, and the rows of the score sheet. Pure: shots and the hub's statistics in, rows out.
import { texts } from "../texts/index.js";
import { counts, moment } from "./score.js";
import { NOT_COUNTED } from "./vocabulary.js";

/**
 * Shots in the order of their release. Each gets its end ("S1" for the first end of sighters, "1" for the first that
 * counts, "" while no end is known), its number there, and whether it is a sighter or a surplus arrow.
 * The assembler marks surplus arrows, so that all totals of the hub agree.
 */
export function inOrder(shots, sighterEnds) {
  const numbers = new Map();
  return [...shots].sort((a, b) => moment(a) - moment(b) || (a.id < b.id ? -1 : 1)).map((shot) => {
    const end = shot.end_number ?? 0;
    const number = (numbers.get(end) ?? 0) + 1;
    if (counts(shot)) numbers.set(end, number);
    return { ...shot, end, endName: endName(end, sighterEnds), inEnd: counts(shot) ? number : null, sighter: end > 0 && end <= sighterEnds,
      extra: shot.flags.some((flag) => NOT_COUNTED.includes(flag)) };
  });
}

/**
 * One row per end, and per archer where several share the butt; its arrows as the hub sorts them, with the hub's sums. A shot that
 * is newer than the statistics is shown at the end of its row until they follow; statistics: null while there are none.
 */
export function sheet(ordered, statistics) {
  const shots = new Map(ordered.filter(counts).map((shot) => [shot.id, shot]));
  const isShared = new Set([...shots.values()].map((shot) => shot.slot).filter(Boolean)).size > 1;
  const slotOf = (shot) => (isShared ? shot.slot : null) ?? "";
  const rows = new Map();
  const row = (shot) => {
    const [slot, { end, endName, sighter }] = [slotOf(shot), shot];
    const key = `${slot}/${end}`;
    const name = slot ? texts.ends.ofSlot(slot, endName || texts.none) : endName;
    if (!rows.has(key)) rows.set(key, { slot, end, name, sighter, shots: [], hits: null, xs: null, sum: null, running: null });
    return rows.get(key);
  };
  for (const { slot, number, shots: ids, totals, running } of statistics?.ends ?? []) {
    const known = ids.map((id) => shots.get(id)).filter((shot) => shot && shot.end === (number ?? 0) && slotOf(shot) === (slot ?? ""));
    if (!known.length) continue; // the page has not heard of its shots yet, or they do not count any more
    for (const { id } of known) shots.delete(id);
    Object.assign(row(known[0]), { shots: known, hits: totals.hits, xs: totals.xs, sum: totals.points, running });
  }
  for (const shot of shots.values()) row(shot).shots.push(shot);
  const last = (text) => text || "\uffff";
  return [...rows.values()].sort((a, b) =>
    (last(a.slot) < last(b.slot) ? -1 : last(a.slot) > last(b.slot) ? 1 : (a.end || Infinity) - (b.end || Infinity)));
}

function endName(end, sighterEnds) {
  if (!end) return "";
  return end <= sighterEnds ? texts.ends.sighterName(end) : String(end - sighterEnds);
}
