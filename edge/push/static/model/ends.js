// Ends: the end of each shot, its place there, and the sums. Pure: shots in, ends out.
import { texts } from "../texts/index.js";
import { grouped } from "./format.js";
import { byValue, counts, moment, totals } from "./score.js";
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
    const sighter = end > 0 && end <= sighterEnds;
    const endName = !end ? "" : sighter ? texts.ends.sighterName(end) : String(end - sighterEnds);
    const number = (numbers.get(end) ?? 0) + 1;
    if (counts(shot)) numbers.set(end, number);
    return { ...shot, end, endName, inEnd: counts(shot) ? number : null, sighter, extra: shot.flags.some((flag) => NOT_COUNTED.includes(flag)) };
  });
}

/** Ends with their arrows, highest first, and the running total. */
export function ends(ordered) {
  const byEnd = grouped(ordered.filter(counts), (shot) => shot.end);
  let running = 0;
  return [...byEnd].sort(([a], [b]) => (a || Infinity) - (b || Infinity)).map(([number, shots]) => {
    const [{ endName: name, sighter }] = shots;
    const sums = totals(sighter ? shots.map((shot) => ({ ...shot, sighter: false })) : shots);
    if (!sighter) running += sums.sum;
    return { number, name, sighter, shots: [...shots].sort(byValue), ...sums, running: sighter ? null : running };
  });
}
