// Arrows: what their form sends, and the state of an arrow and of the command that programs it. Pure.
import { texts } from "../../texts/operate/index.js";

/** Sizes of an arrow that are sent when they are filled in. */
const SIZES = Object.freeze(["diameter", "weight", "spine", "label_position"]);

/** What POST /arrow takes. */
export function arrowBody(id, values) {
  const body = { id, human_identifier: values.human_identifier.trim(), length: values.length, is_programmed: false };
  for (const size of SIZES) {
    if (values[size] !== null && values[size] !== undefined) body[size] = values[size];
  }
  return body;
}

/** The next name of a row of arrows: "A09" after "A08"; "" without a number at the end. */
export function nextName(name) {
  const found = /^(.*?)(\d+)$/.exec(name);
  if (!found) return "";
  const [, letters, digits] = found;
  return letters + String(Number(digits) + 1).padStart(digits.length, "0");
}

/** The state of an arrow as text. */
export function stateText(arrow) {
  const { states } = texts.arrow;
  if (arrow.is_active === false) return states.voided;
  return arrow.is_programmed ? states.programmed : states.registered;
}

/** The step that a command has reached, as text. */
export function progressText(command) {
  if (!command.phase) return texts.arrow.waiting;
  return texts.arrow.phase(texts.arrow.phases[command.phase] ?? command.phase, command.done, command.total);
}
