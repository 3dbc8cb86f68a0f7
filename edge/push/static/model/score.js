// The value of a shot, its text, and sums over shots. Pure: shots in, values out.
import { texts } from "../texts/index.js";
import { NO_SHOT, Result } from "./vocabulary.js";

export const DECIDED = new Set([Result.HIT, Result.OFF_FACE, Result.OFF_VIEW, Result.MISS]);

/** The value as an archer calls it. */
export function call(shot) {
  switch (shot.result) {
    case Result.PENDING: return texts.call.pending;
    case Result.UNKNOWN: return texts.call.unknown;
    case Result.NOT_SHOT: return texts.call.notShot;
    case Result.VOID: return texts.call.void;
    case Result.MISS: case Result.OFF_FACE: case Result.OFF_VIEW: return texts.call.miss;
    default:
      if (shot.is_x) return texts.call.x;
      if (shot.points === null || shot.points === undefined) return texts.call.hit;
      return shot.points === 0 ? texts.call.miss : String(shot.points);
  }
}

/** The value as a screen reader speaks it. */
export function spoken(shot) {
  const value = call(shot);
  if (value === texts.call.x) return texts.spokenX(shot.points);
  return texts.spoken[value] ?? value;
}

/** Whether the row is a shot: neither let down nor voided. */
export function counts(shot) {
  return !NO_SHOT.includes(shot.result);
}

/** Sums over shots. An undecided shot counts as an arrow without value; sighters and surplus arrows add nothing. */
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
    hits: decided.filter((one) => one.points > 0 || (one.result === Result.HIT && one.points === null)).length,
    xs: decided.filter((one) => one.is_x).length,
    misses: decided.filter((one) => call(one) === texts.call.miss).length,
    average: scored.length ? sum / scored.length : null,
  };
}

/** The most that one arrow can score on some faces by the rules of a session, whose X may be worth more than the highest zone. */
export function best(faces, session, shots) {
  const ofFaces = faces.map((face) => (face.x_radius && session?.x_points ? session.x_points : face.points[0]));
  return Math.max(0, ...ofFaces, ...shots.map((shot) => shot.points ?? 0));
}

/** The instant by which shots are ordered, in milliseconds. */
export function moment(shot) {
  return Date.parse(shot.arrow_disengage_time ?? shot.arrow_landing_time ?? shot.created_at);
}

/** Highest first, as on a score sheet; undecided shots last. */
export function byValue(a, b) {
  const weight = (shot) => (DECIDED.has(shot.result) ? (shot.points ?? 0) + (shot.is_x ? 0.5 : 0) : -1);
  return weight(b) - weight(a) || moment(a) - moment(b);
}
