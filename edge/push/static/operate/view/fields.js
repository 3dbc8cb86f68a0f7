// Fields of a form: each with a label, a hint and a place for its fault, which a screen reader reads with it.
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { colour } from "../model/values.js";

let numbered = 0;

/** A field around an input, made of its name, label and options { hint, wide }. */
function field(name, label, input, { hint, wide, isOptional } = {}) {
  const id = `field-${++numbered}`;
  const notes = [hint && `${id}-hint`, `${id}-fault`].filter(Boolean).join(" ");
  input.id = id;
  input.name = name;
  input.setAttribute("aria-describedby", notes);
  return element("div", { class: wide ? "field wide" : "field" },
    element("label", { for: id }, label, ...(isOptional ? [" ", element("small", {}, texts.form.optional)] : [])), input,
    ...(hint ? [element("p", { class: "hint", id: `${id}-hint` }, hint)] : []),
    fault(name, `${id}-fault`));
}

function fault(name, id) {
  return element("p", { class: "fault", id, "data-fault": name, hidden: true });
}

/** options: value, required, most (characters), known (proposals), hint, wide, isOptional, type. */
export function textField(name, label, options = {}) {
  const input = element("input", { type: options.type ?? "text", required: options.required, maxlength: options.most,
    autocapitalize: options.type ? "none" : null, spellcheck: options.spellcheck ? null : "false", autofocus: options.autofocus });
  input.value = options.value ?? "";
  const made = field(name, label, input, options);
  if (options.known?.length) {
    const list = element("datalist", { id: `known-${numbered}` }, ...options.known.map((one) => element("option", { value: one })));
    input.setAttribute("list", list.id);
    made.append(list);
  }
  return made;
}

/** options: value, lowest, highest, step ("any" by default), required, known, hint. */
export function numberField(name, label, options = {}) {
  const isWhole = options.step === 1;
  const input = element("input", { type: "number", min: options.lowest, max: options.highest, step: options.step ?? "any",
    required: options.required, inputmode: isWhole ? "numeric" : "decimal", autofocus: options.autofocus });
  input.value = options.value ?? "";
  const made = field(name, label, input, options);
  if (options.known) {
    const list = element("datalist", { id: `known-${numbered}` }, ...options.known.map((one) => element("option", { value: one })));
    input.setAttribute("list", list.id);
    made.append(list);
  }
  return made;
}

/** choices: pairs of a value and its text. */
export function selectField(name, label, choices, options = {}) {
  const input = element("select", { required: options.required }, ...choices.map(([value, text]) => element("option", { value }, text)));
  if (options.value !== undefined) input.value = options.value;
  return field(name, label, input, options);
}

export function checkField(name, label, options = {}) {
  const id = `field-${++numbered}`;
  const input = element("input", { type: "checkbox", id, name, checked: options.value });
  if (options.hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return element("div", { class: options.wide ? "field check wide" : "field check" },
    element("label", { for: id }, input, element("span", {}, label)),
    ...(options.hint ? [element("p", { class: "hint", id: `${id}-hint` }, options.hint)] : []), fault(name, `${id}-fault`));
}

/** Choices that are all visible: pairs of a value and its text. kind: "keys" for the values of a face, "rows" for sentences. */
export function choiceField(name, label, choices, options = {}) {
  const id = `field-${++numbered}`;
  return element("fieldset", { class: `field wide choice ${options.kind ?? "rows"}`, "aria-describedby": `${id}-fault` },
    element("legend", {}, label),
    element("div", { class: "choices" }, ...choices.map(([value, text], i) => {
      const input = element("input", { type: "radio", name, value, required: true, checked: value === options.value, autofocus: options.autofocus && (value === options.value || (!options.value && i === 0)) });
      return element("label", { class: options.kind === "keys" ? `key ${colour(value)}` : "row" }, input, element("span", {}, text));
    })), fault(name, `${id}-fault`));
}

/** The reason of a correction, with frequent ones to tap. */
export function reasonField(frequent) {
  const made = textField("reason", texts.shot.reason, { required: true, most: 200, hint: texts.shot.reasonHint, wide: true, spellcheck: true });
  const input = made.querySelector("input");
  const chips = element("div", { class: "chips" }, ...frequent.map((text) => {
    const chip = element("button", { type: "button", class: "chip-button" }, text);
    chip.addEventListener("click", () => {
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.focus();
    });
    return chip;
  }));
  made.insertBefore(chips, made.querySelector(".hint"));
  return made;
}

/** A folded part of a form for what is rarely needed. */
export function folded(summary, ...fields) {
  return element("details", { class: "wide folded" }, element("summary", {}, summary), element("div", { class: "fields" }, ...fields));
}
