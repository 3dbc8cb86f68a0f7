// What a shot counts and how it is written. Pure: shots in, values out.

export const DECIDED = new Set(["hit", "off_face", "off_view", "miss"]);

/** The value as an archer calls it. */
export function call(shot) {
  switch (shot.result) {
    case "pending": return "…";
    case "unknown": return "?";
    case "not_shot": return "let down";
    case "miss": case "off_face": case "off_view": return "M";
    default:
      if (shot.is_x) return "X";
      if (shot.points === null || shot.points === undefined) return "hit";
      return shot.points === 0 ? "M" : String(shot.points);
  }
}

/** The same for a listener. */
export function spoken(shot) {
  const value = call(shot);
  return { "M": "miss", "…": "in flight", "?": "not known", "X": "X, ten" }[value] ?? value;
}

export function counts(shot) {
  return shot.result !== "void" && shot.result !== "not_shot";
}

/** Sums over shots: what is not decided yet counts as an arrow, and nothing more. */
export function totals(shots) {
  const shot = shots.filter(counts);
  const decided = shot.filter((one) => DECIDED.has(one.result));
  const sum = decided.reduce((total, one) => total + (one.points ?? 0), 0);
  const scored = decided.filter((one) => one.points !== null && one.points !== undefined);
  return {
    arrows: shot.length,
    decided: decided.length,
    scored: scored.length,
    sum,
    hits: decided.filter((one) => one.points > 0 || (one.result === "hit" && one.points === null)).length,
    xs: decided.filter((one) => one.is_x).length,
    misses: decided.filter((one) => call(one) === "M").length,
    average: scored.length ? sum / scored.length : null,
  };
}

/** When a shot happened, for its place in the order. */
export function moment(shot) {
  return Date.parse(shot.arrow_disengage_time ?? shot.arrow_landing_time ?? shot.created_at);
}

/** Shots in the order they were shot, each with the end it belongs to and its number there. */
export function inOrder(shots) {
  const sorted = [...shots].filter((one) => one.result !== "void")
    .sort((a, b) => moment(a) - moment(b) || (a.id < b.id ? -1 : 1));
  const inEnd = new Map();
  return sorted.map((shot) => {
    const end = shot.end_number ?? 0;
    const number = (inEnd.get(end) ?? 0) + (counts(shot) ? 1 : 0);
    inEnd.set(end, number);
    return { ...shot, end, inEnd: counts(shot) ? number : null };
  });
}

/** Ends with their arrows, highest first as a score sheet has them, and the running total. */
export function ends(ordered) {
  const byEnd = new Map();
  for (const shot of ordered.filter(counts)) {
    if (!byEnd.has(shot.end)) byEnd.set(shot.end, []);
    byEnd.get(shot.end).push(shot);
  }
  let running = 0;
  return [...byEnd].sort(([a], [b]) => (a || Infinity) - (b || Infinity)).map(([number, shots]) => {
    const sums = totals(shots);
    running += sums.sum;
    return { number, shots: [...shots].sort(byValue), ...sums, running };
  });
}

function byValue(a, b) {
  const weight = (shot) => (DECIDED.has(shot.result) ? (shot.points ?? 0) + (shot.is_x ? 0.5 : 0) : -1);
  return weight(b) - weight(a) || moment(a) - moment(b);
}
