// Elements: made in one call, found by id, and the texts of index.html.
import { language, texts } from "../texts/index.js";

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** Rows of a definition list, from pairs of a term and its text. */
export function definitions(pairs) {
  return pairs.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text)));
}

/** The head of a table, from pairs of a text and an optional class. */
export function tableHead(heads) {
  return element("thead", {}, element("tr", {}, ...heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text))));
}

/** Fill in the texts that index.html names, before anything is seen. */
export function fillTexts() {
  document.documentElement.lang = language;
  document.title = texts.page.title;
  for (const named of document.querySelectorAll("[data-text]")) named.textContent = texts.page[named.dataset.text];
  for (const named of document.querySelectorAll("[data-label]")) named.setAttribute("aria-label", texts.page[named.dataset.label]);
}

/** A note, how to act on it, and the command for that in a block of its own, which one click selects; hidden without a text. */
export function advise(note, text, how, command) {
  note.hidden = !text;
  if (note.dataset.shown === text + command) return; // a selection stays
  note.dataset.shown = text + command;
  note.replaceChildren(text, ...(text ? [" ", element("span", { class: "how" }, how), element("pre", { class: "command", tabindex: "0" }, command)] : []));
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}
