// The choices of the reader: language, units and view, from the address, the browser and its storage. No other module reads them.

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

/** Whether the address asks for the page without controls. */
export const isSpectator = has("spectator");

/** The view of the address: "overlay", "wall", "overview" or "lane". */
export const view = has("overlay") ? "overlay" : has("wall") ? "wall" : asked.get("lane") === "all" ? "overview" : "lane";

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

/** A parameter without a value, or with any but 0. */
function has(name) {
  return asked.has(name) && asked.get(name) !== "0";
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
