// What this browser keeps about the operator: name, token, and whether the controls are shown.

const NAMES = Object.freeze({ name: "archstats.operator", token: "archstats.token", shown: "archstats.operate" });
/** The part of an address that carries the operator token, as in the QR code of the hub. */
const HASH = "#operator=";

/** Values of this page alone, for a browser that keeps none. */
const own = new Map();

function kept(name) {
  try {
    return localStorage.getItem(name) ?? own.get(name) ?? "";
  } catch {
    return own.get(name) ?? "";
  }
}

function keep(name, value) {
  own.set(name, value);
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // It is kept until the page is left.
  }
}

export const operator = {
  get name() { return kept(NAMES.name); },
  set name(value) { keep(NAMES.name, value); },
  get token() { return kept(NAMES.token); },
  set token(value) { keep(NAMES.token, value); },
  get isShown() { return kept(NAMES.shown) === "yes"; },
  set isShown(value) { keep(NAMES.shown, value ? "yes" : ""); },
};

/** Keep the token that the address carries, and remove it there, so that no bookmark and no picture of the screen has it. */
export function takeToken() {
  if (!location.hash.startsWith(HASH)) return false;
  try {
    operator.token = decodeURIComponent(location.hash.slice(HASH.length)).trim();
  } catch {
    operator.token = ""; // no text in UTF-8
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  return Boolean(operator.token);
}
