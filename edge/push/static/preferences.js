// The choices of the reader: language, units and view, from the address, the browser and its storage. No other module reads them.
import { isAsked, viewOf } from "./model/view.js";

const LANGUAGES = ["en", "de"];
const KEY = "archstats";

/** Parameters of the address. */
const asked = new URLSearchParams(location.search);
const stored = read();

/** Language of the texts: that of the address, else the chosen one, else the first of the browser's that the page has. */
export const language = [asked.get("lang"), stored.language, ...navigator.languages].map(base).find((one) => LANGUAGES.includes(one)) ?? LANGUAGES[0];

/** The browser's own variety of the language, as en-GB, for numbers and times. */
export const locale = navigator.languages.find((tag) => base(tag) === language) ?? language;

/** Units: distance "m" or "yd", speed "mps" or "fps". */
export const units = { distance: stored.distance === "yd" ? "yd" : "m", speed: stored.speed === "fps" ? "fps" : "mps" };

/** The stored choices, without those of the address; "" for the browser's language. */
export const choices = { language: LANGUAGES.includes(stored.language) ? stored.language : "", ...units };

/** The view: that of the address, else the wall on a screen that hangs on one; isAutomatic: the screen has chosen it. */
export const { view, isAutomatic } = viewOf(
  Object.fromEntries(asked),
  { width: innerWidth, hasPointer: !matchMedia("(any-pointer: none)").matches },
  isOperating(),
);

/** Whether the page has the controls: the address asks for no view of an audience. */
export function hasControls() {
  return !["wall", "overlay", "spectator"].some((name) => isAsked(asked.get(name)));
}

/** Keep the choices in the browser. Without storage, as in a private window that refuses it, they last as long as the page. */
export function keep(changed) {
  try {
    localStorage.setItem(KEY, JSON.stringify(changed));
  } catch {
    return false;
  }
  return true;
}

/** The address of a lane, or of all, in the same language and with the same view. */
export function addressOf(lane) {
  const query = new URLSearchParams({ lane });
  for (const name of ["lang", "spectator"]) if (asked.has(name)) query.set(name, asked.get(name));
  return `?${query}`;
}

/** The address of the range without the wall that a screen chooses by itself. */
export function addressWithoutWall() {
  const query = new URLSearchParams(asked);
  query.set("wall", "0");
  return `?${query}`;
}

/** Whether an operator uses this browser, or comes with the hub's token. */
function isOperating() {
  try {
    return location.hash.startsWith("#operator=") || localStorage.getItem("archstats.operate") === "yes";
  } catch {
    return false;
  }
}

function base(tag) {
  return (tag ?? "").toLowerCase().split("-")[0];
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
