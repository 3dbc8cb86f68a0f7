// Ends: which shot belongs where, what counts in it, and the sums. Pure: shots in, ends out.
import { byValue, counts, moment, totals } from "./scoring.js";
import { grouped } from "./words.js";

/**
 * Shots in the order they were shot. Each gets its end ("S1" for the first of the sighters, "1" for the first that
 * counts, "" while no end is known), its number there, and whether it is a sighter or one arrow too many.
 * rules: { sighterEnds, arrowsPerEnd, faces (how many there are) }
 */
export function inOrder(shots, rules) {
  const numbers = new Map();
  const ordered = [...shots].sort((a, b) => moment(a) - moment(b) || (a.id < b.id ? -1 : 1)).map((shot) => {
    const end = shot.end_number ?? 0;
    const sighter = end > 0 && end <= rules.sighterEnds;
    const endName = !end ? "" : sighter ? `S${end}` : String(end - rules.sighterEnds);
    const number = (numbers.get(end) ?? 0) + 1;
    if (counts(shot)) numbers.set(end, number);
    return { ...shot, end, endName, inEnd: counts(shot) ? number : null, sighter, extra: false };
  });
  // Each bow has its own number of arrows, as the assembler marks them.
  const byBow = grouped(ordered.filter((shot) => counts(shot) && shot.end), (shot) => `${shot.end} ${shot.release_device_id ?? ""}`);
  for (const shotsOfBow of byBow.values()) {
    for (const shot of tooMany(shotsOfBow, rules)) shot.extra = true;
  }
  return ordered;
}

/** Of too many arrows in an end, or two in one spot of a multiple face, the lowest count. */
function tooMany(shots, { arrowsPerEnd, faces }) {
  const highestFirst = [...shots].sort(byValue);
  const oneEach = faces > 1 && arrowsPerEnd <= faces;
  const second = oneEach ? highestFirst.filter((shot, i) => shot.face_id && highestFirst.slice(i + 1).some((other) => other.face_id === shot.face_id)) : [];
  const left = highestFirst.filter((shot) => !second.includes(shot));
  return [...second, ...left.slice(0, Math.max(0, left.length - arrowsPerEnd))];
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
