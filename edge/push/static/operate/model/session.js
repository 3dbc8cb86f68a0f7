// A session as its form has it, and as the hub takes it. Pure.
import { texts } from "../../texts/operate/index.js";

export const LETTERS = Object.freeze(["A", "B", "C", "D"]);
/** The choice of faces that is sent as the last session had them. */
export const AS_BEFORE = "=";

/** "wa_122_6ring" as people read it. */
export function faceName(code) {
  return code.replaceAll("_", " ").replace(/^wa /, "WA ").replace(/^ifaa /, "IFAA ");
}

const YARD_M = 0.9144;

/** A distance as the form shows it, in metres or in yards ("yd"). */
export function inUnit(metres, unit) {
  return unit === "yd" ? Math.round(metres / YARD_M * 10) / 10 : metres;
}

/** The metres of a distance in the form; those of the proposal while it is unchanged, because yards are shown rounded. */
export function inMetres(shown, unit, proposed) {
  if (shown === inUnit(proposed, unit)) return proposed;
  return unit === "yd" ? Math.round(shown * YARD_M * 1000) / 1000 : shown;
}

/** The form's values for a lane, from the hub's proposal. */
export function openValues(prefill) {
  const { code, isOwn } = readFaces(prefill.faces);
  const values = {
    lane: prefill.lane, distance_m: prefill.distance_m, location: prefill.location, is_indoor: prefill.is_indoor,
    arrows_per_end: prefill.arrows_per_end, sighter_ends: prefill.sighter_ends, rules: prefill.rules,
    face: code ?? (prefill.faces.length ? AS_BEFORE : ""), own_faces: isOwn,
  };
  for (const letter of LETTERS) {
    const slot = (prefill.slots ?? []).find((one) => one.letter === letter);
    values[`archer_${letter}`] = slot?.archer ?? "";
    values[`bow_${letter}`] = slot?.bow_device_id ?? "";
  }
  return values;
}

/** The one code of all faces, and whether each archer has a face of the same letter; code is null for any other layout. */
function readFaces(faces) {
  const parsed = faces.map((text) => /^(?:([A-D])=)?([^=@,]+)$/.exec(text));
  if (!parsed.length || parsed.some((one) => one === null)) return { code: null, isOwn: false };
  const codes = new Set(parsed.map(([, , code]) => code));
  const isOwn = parsed.every(([, name]) => name);
  if (codes.size > 1 || (parsed.length > 1 && !isOwn)) return { code: null, isOwn: false };
  return { code: parsed[0][2], isOwn };
}

/** Letters whose archer or bow is filled in. */
export function filledSlots(values) {
  return LETTERS.filter((letter) => values[`archer_${letter}`] || values[`bow_${letter}`]);
}

/** What POST /session/open takes. since: the instant of the first arrow that is to count, null from now on. */
export function openBody(values, prefill, since = null) {
  const letters = filledSlots(values);
  const isOwn = values.own_faces && letters.length > 0 && values.face !== AS_BEFORE;
  const faces = values.face === AS_BEFORE ? prefill.faces : isOwn ? letters.map((letter) => `${letter}=${values.face}`) : [values.face];
  const slots = letters.map((letter) => {
    const before = (prefill.slots ?? []).find((one) => one.letter === letter)?.face;
    const slot = { letter };
    if (values[`archer_${letter}`]) slot.archer = values[`archer_${letter}`];
    if (values[`bow_${letter}`]) slot.bow_device_id = values[`bow_${letter}`];
    if (isOwn) slot.face = letter;
    else if (values.face === AS_BEFORE && before) slot.face = before;
    return slot;
  });
  const body = {
    lane: values.lane, distance_m: values.distance_m, faces, location: values.location, is_indoor: values.is_indoor,
    arrows_per_end: values.arrows_per_end, sighter_ends: values.sighter_ends, rules: values.rules, slots,
  };
  if (prefill.butt_width_mm && values.face === AS_BEFORE) body.butt_width_mm = prefill.butt_width_mm;
  if (prefill.butt_height_mm && values.face === AS_BEFORE) body.butt_height_mm = prefill.butt_height_mm;
  if (since) body.since = since;
  return body;
}

/** The name of the field for an error at a path of the body of POST /session/open. */
export function openPlace(body) {
  return (path) => {
    const [first, index, key] = path.split(".");
    if (first === "faces") return "face";
    if (first !== "slots") return first;
    const letter = body.slots[Number(index)]?.letter ?? LETTERS[0];
    return key === "bow_device_id" ? `bow_${letter}` : `archer_${letter}`;
  };
}

/** Whether shots of several archers could be of any of them: each needs a face or a bow of the own. */
export function isShared(values, prefill) {
  const letters = filledSlots(values);
  if (letters.length < 2 || letters.every((letter) => values[`bow_${letter}`])) return false;
  if (values.face !== AS_BEFORE) return !values.own_faces;
  return !letters.every((letter) => (prefill.slots ?? []).find((one) => one.letter === letter)?.face);
}

/** Faults that the form itself finds, by field. */
export function openFaults(values, prefill) {
  const faults = isShared(values, prefill) ? { [values.face === AS_BEFORE ? "face" : "own_faces"]: texts.open.shared } : {};
  const seen = { archer: new Map(), bow: new Map() };
  for (const letter of LETTERS) {
    for (const kind of ["archer", "bow"]) {
      const value = (values[`${kind}_${letter}`] ?? "").trim().toLocaleLowerCase();
      if (!value) continue;
      if (seen[kind].has(value)) faults[`${kind}_${letter}`] = texts.open.twice(seen[kind].get(value));
      else seen[kind].set(value, letter);
    }
  }
  return faults;
}
