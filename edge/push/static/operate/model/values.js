// The values that an arrow can have on a face, as an archer calls them: "X", "10", ... "M". Pure.
import { Flag, NO_SHOT, Result } from "../../model/vocabulary.js";

export const X = "X";
export const MISS = "M";

/** Values of the faces that an archer may have hit, highest first: X where a face has one, and M last. */
export function valuesOf(faces) {
  const points = [...new Set(faces.flatMap((face) => face.points))].filter((one) => one > 0).sort((a, b) => b - a);
  const hasX = faces.some((face) => face.x_radius !== null && face.x_radius !== undefined);
  return [...(hasX ? [X] : []), ...points.map(String), MISS];
}

/** The points of an X: by the rules of the session, else those of the innermost zone. */
export function pointsOfX(faces, xPoints) {
  return xPoints ?? Math.max(0, ...faces.flatMap((face) => face.points));
}

/** The value that the hub has for a shot, "" while it has none. */
export function valueOf(shot) {
  if (NO_SHOT.includes(shot.result) || shot.result === Result.PENDING || shot.result === Result.UNKNOWN) return "";
  if (shot.is_x) return X;
  if (shot.points === null || shot.points === undefined) return [Result.MISS, Result.OFF_FACE, Result.OFF_VIEW].includes(shot.result) ? MISS : "";
  return shot.points === 0 ? MISS : String(shot.points);
}

/** A number by which values are ordered: X above all, M below. */
export function rank(value) {
  if (value === X) return 100;
  return value === MISS || value === "" ? -1 : Number(value);
}

/** The order of a score sheet: the highest first. */
export function sorted(values) {
  return [...values].sort((a, b) => rank(b) - rank(a));
}

/** The colour of a value's key, by the zone of a World Archery face. */
export function colour(value) {
  if (value === X) return "gold";
  if (value === MISS) return "miss";
  return { 12: "gold", 11: "gold", 10: "gold", 9: "gold", 8: "red", 7: "red", 6: "blue", 5: "blue", 4: "black", 3: "black" }[value] ?? "white";
}

/** The body that gives a shot a value. */
export function correction(value, reason) {
  if (value === X) return { is_x: true, reason };
  if (value === MISS) return { points: 0, reason };
  return { points: Number(value), reason };
}

/** Whether the shot can be restored: an operator has corrected or voided it. */
export function isCorrected(shot) {
  return shot.flags.includes(Flag.CORRECTED);
}

/** The ETag of a shot. */
export function tagOf(shot) {
  return `"${shot.revision}"`;
}
