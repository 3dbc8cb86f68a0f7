// Numbers, durations, instants and directions as text, in the language of the page. Pure.
import { units } from "../preferences.js";
import { locale, texts } from "../texts/index.js";

const YARD_M = 0.9144;
const FOOT_M = 0.3048;
const CLOCK = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const WITH_DIGITS = new Map();

function format(least, most) {
  const name = `${least}-${most}`;
  if (!WITH_DIGITS.has(name)) {
    WITH_DIGITS.set(name, new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: most, useGrouping: false }));
  }
  return WITH_DIGITS.get(name);
}

/** A number with a fixed count of decimals, a dash when it is not known. */
export function fixed(value, digits) {
  return value === null || value === undefined ? texts.none : format(digits, digits).format(value);
}

export function whole(value) {
  return fixed(value, 0);
}

/** A number with at most so many decimals, and none that are zero. */
export function upTo(value, digits) {
  return format(0, digits).format(value);
}

/** A number with at most two decimals, and none that are zero. */
export function short(value) {
  return upTo(value, 2);
}

/** The age of something in seconds, in its largest unit. */
export function age(value) {
  if (value === null || !Number.isFinite(value)) return "";
  const s = Math.max(0, Math.floor(value));
  if (s < 60) return texts.age.seconds(whole(s));
  if (s < 3600) return texts.age.minutes(whole(Math.floor(s / 60)));
  if (s < 86400) return texts.age.hours(whole(Math.floor(s / 3600)));
  return texts.age.days(whole(Math.floor(s / 86400)));
}

/** The time of day of an instant, in the zone of the browser. */
export function clock(instant) {
  return CLOCK.format(new Date(instant));
}

/** "3-2": second arrow of the third end; "S1-2": of the first end of sighters; "B 3-2": of archer B on a shared butt. */
export function place(shot) {
  if (!shot.inEnd) return texts.none;
  const name = shot.endName ? `${shot.endName}-${shot.inEnd}` : String(shot.inEnd);
  return shot.letter ? texts.ends.ofSlot(shot.letter, name) : name;
}

/** The name of a shot's arrow, else its number among the session's arrows that are not registered, else the end of its tag. */
export function arrow(shot) {
  if (shot.human_identifier) return shot.human_identifier;
  if (shot.arrowNumber) return texts.numberedArrow(shot.arrowNumber);
  if (shot.arrow_tag) return texts.taggedArrow(shot.arrow_tag.slice(-4).toUpperCase());
  return texts.noArrow;
}

/** The same within a sentence: "arrow L1-01", "arrow 3". */
export function arrowPhrase(shot) {
  return shot.human_identifier || !shot.arrow_tag ? texts.namedArrow(arrow(shot)) : arrow(shot);
}

/** The distance of a butt, in the unit of the reader: "70 m", "76.6 yd". */
export function distance(metres) {
  const inUnit = units.distance === "yd" ? Math.round(metres / YARD_M * 10) / 10 : metres;
  return `${short(inUnit)}\u00a0${texts.units[units.distance]}`;
}

/** A speed in the unit of the reader, without the unit. */
export function bareSpeed(mps) {
  if (units.speed !== "fps") return fixed(mps, 1);
  return mps === null || mps === undefined ? texts.none : fixed(mps / FOOT_M, 0);
}

export function speedUnit() {
  return texts.units[units.speed];
}

/** A speed and its unit, joined by a space at which no line breaks. */
export function speed(mps) {
  return `${bareSpeed(mps)}\u00a0${speedUnit()}`;
}

/** A number and its unit, joined by a space at which no line breaks. */
export function measured(value, digits, unit) {
  return `${fixed(value, digits)}\u00a0${unit}`;
}

/** A length with as many decimals as an archer can use. */
export function millimetres(value) {
  return measured(value, decimals(value), texts.units.mm);
}

/** The ends of an interval of lengths, without the unit: ["87", "136"]. */
export function millimetresBetween(low, high) {
  return [low, high].map((value) => fixed(value, decimals(value)));
}

function decimals(value) {
  return Math.abs(value) < 9.95 ? 1 : 0;
}

/** An offset as the archer sees it, looking at the target: "34 mm left, 12 mm high". */
export function offset(dx, dy) {
  return offsetOf(dx, dy, millimetres);
}

/** The same without units, for a column whose head names the unit. */
export function bareOffset(dx, dy) {
  return offsetOf(dx, dy, (value) => fixed(value, decimals(value)));
}

function offsetOf(dx, dy, write) {
  return [(dx < 0 ? texts.left : texts.right)(write(Math.abs(dx))), (dy < 0 ? texts.low : texts.high)(write(Math.abs(dy)))].join(", ");
}
