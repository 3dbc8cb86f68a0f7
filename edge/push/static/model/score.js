// What a shot counts and how it is written. Pure: shots in, values out.

export const DECIDED = new Set(["hit", "off_face", "off_view", "miss"]);

/** The value as an archer calls it. */
export function call(shot) {
  switch (shot.result) {
    case "pending": return "…";
    case "unknown": return "M?";
    case "not_shot": return "let down";
    case "void": return "void";
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
  return { "M": "miss", "…": "in flight", "M?": "not known, perhaps a miss", "X": "X, ten" }[value] ?? value;
}

/** Whether it was an arrow shot at all. */
export function counts(shot) {
  return shot.result !== "void" && shot.result !== "not_shot";
}

/** Sums over shots: what is not decided yet counts as an arrow, and nothing more. Sighters and arrows too many add nothing. */
export function totals(shots) {
  const shot = shots.filter((one) => counts(one) && !one.sighter && !one.extra);
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

/** Highest first, as a score sheet has them; what is not known yet comes last. */
export function byValue(a, b) {
  const weight = (shot) => (DECIDED.has(shot.result) ? (shot.points ?? 0) + (shot.is_x ? 0.5 : 0) : -1);
  return weight(b) - weight(a) || moment(a) - moment(b);
}
