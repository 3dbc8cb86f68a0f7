// The value of a shot and its text. Pure: shots in, texts out.
import { texts } from "../texts/index.js";
import { NO_SHOT, Result } from "./vocabulary.js";

/** Colours of the zones by points, from M to 10, as on a target face of World Archery. */
const COLOURS = ["miss", "white", "white", "black", "black", "blue", "blue", "red", "red", "gold", "gold"];

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

/** The colour of the zone that a shot scores: "gold", "red", "blue", "black", "white", "miss", or "open" while it has no value. */
export function colour(shot) {
  if (shot.result === Result.MISS || shot.result === Result.OFF_FACE || shot.result === Result.OFF_VIEW) return "miss";
  if (shot.is_x) return "gold";
  return shot.points === null || shot.points === undefined ? "open" : zone(shot.points);
}

/** The colour of a zone by its points; 11 and 12 of some faces are golden too. */
export function zone(points) {
  return COLOURS[points] ?? "gold";
}

/**
 * The last shot, whose value is shown: the newest that is not in flight, so that nothing on the page vanishes while an arrow flies;
 * the first arrow of a session itself. Undefined without a shot.
 */
export function lastOf(ordered) {
  const shots = ordered.filter(counts);
  return shots.findLast((shot) => shot.result !== Result.PENDING) ?? shots.at(-1);
}

/** Whether an arrow is in flight, or the target has not reported it yet. */
export function isFlying(ordered) {
  return ordered.some((shot) => shot.result === Result.PENDING);
}

/** Whether the row is a shot: neither let down nor voided. */
export function counts(shot) {
  return !NO_SHOT.includes(shot.result);
}

/** The instant by which shots are ordered, in milliseconds. */
export function moment(shot) {
  return Date.parse(shot.arrow_disengage_time ?? shot.arrow_landing_time ?? shot.created_at);
}
