// An error of the hub as a form shows it: beside the field that it names, else below the form. Pure.
import { texts } from "../../texts/operate/index.js";

/** Status of an answer that refuses because someone else has changed the row meanwhile. */
export const CHANGED = 412;
/** Parts of a request that "loc" begins with. */
const PARTS = ["body", "query", "path", "header"];

/**
 * The errors of a refused request as { fields, general }: texts by the name of a field, and those that belong to none.
 * names: the form's fields; place: the name of the field that shows an error at a path of the body, where it has another name.
 */
export function faultsOf(errors, names, place = (path) => path) {
  const known = new Set(names);
  const found = { fields: {}, general: [] };
  for (const error of errors) {
    const path = (error.loc ?? []).map(String);
    const parts = PARTS.includes(path[0]) ? path.slice(1) : path;
    const name = nearest(place(parts.join(".")), known);
    const text = sentence(error);
    if (name) found.fields[name] = found.fields[name] ? `${found.fields[name]} ${text}` : text;
    else found.general.push(text);
  }
  return found;
}

/** The text of one error, in the page's language where it has one, else the hub's own. */
export function sentence({ code, message }) {
  const text = texts.errors[code];
  return typeof text === "function" ? text(message) : text ?? message;
}

/** What a refusal says beyond the page's own sentence about a row that was changed: nothing where it is in another language. */
export function detailsOf({ errors }) {
  return errors.filter(({ code }) => !texts.errors[code]).map(sentence);
}

/** The field with this path, else the one that contains it. */
function nearest(path, known) {
  for (let name = path; name; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    if (known.has(name)) return name;
  }
  return null;
}

/**
 * Typed values after someone else has changed the row: { values, kept }. A field that the operator has changed keeps what
 * was typed (kept: its name), every other one shows the row as it is now.
 */
export function mergedValues(typed, initial, now) {
  const values = {};
  const kept = [];
  for (const name of Object.keys(typed)) {
    const isTyped = typed[name] !== initial[name];
    if (isTyped && typed[name] !== now[name]) kept.push(name);
    values[name] = isTyped ? typed[name] : now[name];
  }
  return { values, kept };
}

/** The values that differ from the initial ones: what a PATCH sends. */
export function changedValues(typed, initial) {
  return Object.fromEntries(Object.entries(typed).filter(([name, value]) => value !== initial[name]));
}
