// The reasons for a shot's value. Pure: shot and faces in, terms and their texts out.
import { texts } from "../texts/index.js";
import { arrow, upTo, clock, measured, speed } from "./format.js";
import { Flag, Result } from "./vocabulary.js";

const mm = (value) => `${upTo(value, 1)}\u00a0${texts.units.mm}`;

/** Remarks on a shot, as texts. */
export function notes(shot) {
  const found = shot.flags.map((flag) => texts.flags[flag] ?? flag.replaceAll("_", " "));
  if (shot.sighter) found.unshift(texts.notes.sighter);
  if (shot.previous_value && !shot.flags.includes(Flag.CORRECTED)) found.push(texts.notes.corrected);
  if (shot.line_call) found.push(texts.notes.lineCall);
  if (shot.result === Result.OFF_FACE && !shot.flags.includes(Flag.WRONG_FACE)) found.push(texts.notes.offFace);
  if (shot.result === Result.VOID && shot.void_reason) found.push(shot.void_reason);
  return found;
}

/** Pairs of a term and its text, the most important first. */
export function reasons(shot, faces) {
  const { terms } = texts.why;
  const found = [...place(shot, faces)];
  if (!found.length && texts.why.results[shot.result]) found.push([terms.result, texts.why.results[shot.result]]);
  const flight = [];
  if (shot.tof_s) flight.push(measured(shot.tof_s, 2, texts.units.s));
  if (shot.speed_mps) flight.push(texts.why.meanSpeed(speed(shot.speed_mps)));
  if (shot.launch_mps) flight.push(texts.why.launchSpeed(speed(shot.launch_mps)));
  if (shot.arrow_engage_time && shot.arrow_disengage_time && !shot.flags.includes(Flag.NO_ENGAGE)) {
    const drawnS = (Date.parse(shot.arrow_disengage_time) - Date.parse(shot.arrow_engage_time)) / 1000;
    flight.push(texts.why.drawn(measured(drawnS, 1, texts.units.s)));
  }
  if (flight.length) found.push([terms.flight, flight.join(", ")]);
  found.push([terms.arrow, [arrow(shot), texts.why.assignment[shot.assignment]].filter(Boolean).join(", ")]);
  if (shot.slot) found.push([terms.slot, texts.ends.archer(shot.slot, shot.archer)]);
  if (shot.previous_value) found.push([terms.corrected, texts.why.was(shot.previous_value, clock(shot.corrected_at))]);
  const noted = notes(shot);
  if (noted.length) found.push([terms.note, noted.join("; ")]);
  return found;
}

/** The place on the face, and the distance from the next line. */
function place(shot, faces) {
  const face = faceOf(shot, faces);
  if (!face || shot.x === null || ![Result.HIT, Result.OFF_FACE].includes(shot.result)) return [];
  const { terms, ring: on } = texts.why;
  const away = Math.hypot(shot.x - face.x, shot.y - face.y);
  const shaft = shot.diameter_mm ?? null;
  const where = [[terms.middle, texts.why.fromMiddle(mm(away), face.human_identifier)]];
  if (shaft === null) return where;
  const edge = away - shaft / 2;
  const ring = face.points.indexOf(shot.points);
  if (shot.flags.includes(Flag.WRONG_FACE)) where.push([terms.ring, on.wrongFace]);
  else if (shot.is_x) where.push([terms.ring, on.x(mm(edge), mm(face.x_radius))]);
  else if (ring >= 0) where.push([terms.ring, on.points(mm(edge), shot.points, mm(face.radii[ring]))]);
  else where.push([terms.ring, on.outside(mm(edge), mm(face.radii.at(-1)))]);
  if (shot.line_margin_mm !== null && !shot.flags.includes(Flag.WRONG_FACE)) where.push([terms.line, line(shot, face, edge)]);
  where.push([terms.shaft, (shot.diameter_assumed ? texts.why.assumedShaft : texts.why.shaft)(mm(shaft))]);
  return where;
}

function line(shot, face, edge) {
  const lines = face.radii.map((radius, i) => ({ radius, name: String(face.points[i]) }));
  if (face.x_radius) lines.push({ radius: face.x_radius, name: texts.call.x });
  const nearest = lines.reduce((best, one) => (Math.abs(one.radius - edge) < Math.abs(best.radius - edge) ? one : best));
  const write = shot.line_margin_mm >= 0 ? texts.why.inside : texts.why.outside;
  const text = write(mm(Math.abs(shot.line_margin_mm)), nearest.name);
  return shot.line_call ? texts.why.lineCall(text) : text;
}

/** The face that a shot was scored on, else the nearest one. */
export function faceOf(shot, faces) {
  if (!faces.length || shot.x === null || shot.x === undefined) return null;
  const away = (face) => Math.hypot(shot.x - face.x, shot.y - face.y) - face.radii.at(-1);
  return faces.find((face) => face.id === shot.face_id) ?? faces.reduce((best, face) => (away(face) < away(best) ? face : best));
}
