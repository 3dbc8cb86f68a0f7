// The value of a shot and its text. Pure: shots in, texts out.
import { texts } from "../texts/index.js";
import { NO_SHOT, Result } from "./vocabulary.js";

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

/** The instant by which shots are ordered, in milliseconds. */
export function moment(shot) {
  return Date.parse(shot.arrow_disengage_time ?? shot.arrow_landing_time ?? shot.created_at);
}
