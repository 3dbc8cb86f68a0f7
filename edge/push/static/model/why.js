// Why a shot has its value. Pure: shot and faces in, terms and their texts out.
import { notes } from "./notes.js";
import { arrow, clock, measured } from "./words.js";

const RESULTS = {
  pending: "The arrow is in flight, or the target has not told yet.",
  miss: "No landing came while the target sensor was provably listening.",
  unknown: "The target sensor was deaf or blind in that time, or could not tell. The value comes if the reading still does.",
  off_view: "It landed outside the butt as it was set up.",
  not_shot: "The arrow was taken off the string again, so nothing was shot.",
  void: "This shot does not count.",
};
const BY = { id: "by its tag", inferred: "inferred: no other arrow was possible", manual: "set by a person" };

const mm = (value) => measured(value, 1, "mm");

/** Pairs of a term and its text, the most telling first. */
export function reasons(shot, faces) {
  const told = [...place(shot, faces)];
  if (!told.length && RESULTS[shot.result]) told.push(["Result", RESULTS[shot.result]]);
  const flight = [];
  if (shot.tof_s) flight.push(measured(shot.tof_s, 2, "s"));
  if (shot.speed_mps) flight.push(`${measured(shot.speed_mps, 1, "m/s")} on average`);
  if (shot.arrow_engage_time && shot.arrow_disengage_time && !shot.flags.includes("no_engage")) {
    flight.push(`drawn for ${measured((Date.parse(shot.arrow_disengage_time) - Date.parse(shot.arrow_engage_time)) / 1000, 1, "s")}`);
  }
  if (flight.length) told.push(["Flight", flight.join(", ")]);
  told.push(["Arrow", arrow(shot) + (BY[shot.assignment] ? `, ${BY[shot.assignment]}` : "")]);
  if (shot.previous_value) told.push(["Corrected", `it was ${shot.previous_value} until ${clock(shot.corrected_at)}`]);
  const noted = notes(shot);
  if (noted.length) told.push(["Note", noted.join("; ")]);
  return told;
}

/** Where it lies on which face, and how far from the next line. */
function place(shot, faces) {
  const face = faceOf(shot, faces);
  if (!face || shot.x === null || !["hit", "off_face"].includes(shot.result)) return [];
  const away = Math.hypot(shot.x - face.x, shot.y - face.y);
  const shaft = shot.diameter_mm ?? null;
  const where = [["Middle", `${mm(away)} from the middle of face ${face.human_identifier}`]];
  if (shaft === null) return where;
  const edge = away - shaft / 2;
  const ring = face.points.indexOf(shot.points);
  if (shot.is_x) where.push(["Ring", `the shaft reaches in to ${mm(edge)}, X to ${mm(face.x_radius)}`]);
  else if (ring >= 0) where.push(["Ring", `the shaft reaches in to ${mm(edge)}, the ${shot.points} out to ${mm(face.radii[ring])}`]);
  else where.push(["Ring", `the shaft reaches in to ${mm(edge)}, the outermost ring to ${mm(face.radii.at(-1))}`]);
  if (shot.line_margin_mm !== null) where.push(["Line", line(shot, face, edge)]);
  where.push(["Shaft", `${mm(shaft)} thick${shot.diameter_assumed ? ", assumed" : ""}`]);
  return where;
}

function line(shot, face, edge) {
  const lines = face.radii.map((radius, i) => ({ radius, name: String(face.points[i]) }));
  if (face.x_radius) lines.push({ radius: face.x_radius, name: "X" });
  const nearest = lines.reduce((best, one) => (Math.abs(one.radius - edge) < Math.abs(best.radius - edge) ? one : best));
  const side = shot.line_margin_mm >= 0 ? "inside" : "outside";
  const sure = shot.line_call ? ": too close for the sensor, a person decides" : "";
  return `${mm(Math.abs(shot.line_margin_mm))} ${side} the line of the ${nearest.name}${sure}`;
}

/** The face that it was scored on, else the nearest. */
export function faceOf(shot, faces) {
  if (!faces.length || shot.x === null || shot.x === undefined) return null;
  const away = (face) => Math.hypot(shot.x - face.x, shot.y - face.y);
  return faces.find((face) => face.id === shot.face_id) ?? faces.reduce((best, face) => (away(face) < away(best) ? face : best));
}
