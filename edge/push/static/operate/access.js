// What this browser keeps about the operator: name, token, and whether the controls are shown.

const NAMES = Object.freeze({ name: "archstats.operator", token: "archstats.token", shown: "archstats.operate" });
/** The part of an address that carries the operator token, as in the QR code of the hub. */
const HASH = "#operator=";

/** Characters that a header can carry; another one would stop every request. */
const TOKEN = /^[\x21-\x7e]+$/;
let isBrought = false;

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
  get token() { return isToken(kept(NAMES.token)) ? kept(NAMES.token) : ""; },
  set token(value) { keep(NAMES.token, value); },
  get isShown() { return kept(NAMES.shown) === "yes"; },
  set isShown(value) { keep(NAMES.shown, value ? "yes" : ""); },
};

/** Whether a text can be the operator token: visible ASCII characters. */
export function isToken(text) {
  return TOKEN.test(text);
}

/** Keep the token that the address carries, and remove it there, so that no bookmark and no picture of the screen has it. */
export function takeToken() {
  if (!location.hash.startsWith(HASH)) return;
  const token = decoded(location.hash.slice(HASH.length)).trim();
  history.replaceState(history.state, "", location.pathname + location.search);
  if (!isToken(token)) return; // the one that the browser has may still be right
  operator.token = token;
  isBrought = true;
}

/** Whether the address brought a token: who scans the operator's code wants to operate. */
export function broughtToken() {
  return isBrought;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // no text in UTF-8
  }
}
