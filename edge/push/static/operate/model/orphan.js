// A landing that no release explains: the shots that may take it, and what its form sends. Pure.
import { counts, moment } from "../../model/score.js";
import { Result } from "../../model/vocabulary.js";

export const ALONE = "alone";
export const DISMISS = "dismiss";
/** Shots that the form offers; the nearest in time. */
const OFFERED = 6;

/** Shots that wait for a landing, the nearest in time first. */
export function candidates(shots, orphan) {
  const at = Date.parse(orphan.at);
  return shots
    .filter((shot) => counts(shot) && shot.release_seq !== null && shot.release_seq !== undefined && (shot.landing_seq === null || shot.landing_seq === undefined)
      && shot.result !== Result.HIT)
    .sort((a, b) => Math.abs(moment(a) - at) - Math.abs(moment(b) - at))
    .slice(0, OFFERED);
}

/** The path below /orphan/{id}, and the body, of a choice: a shot's id, ALONE or DISMISS. */
export function resolution(choice, reason) {
  if (choice === DISMISS) return { action: "dismiss", body: { reason } };
  return { action: "assign", body: { shot_id: choice === ALONE ? null : choice, reason } };
}
