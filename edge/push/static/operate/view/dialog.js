// Dialogs. A form sends once, shows errors beside their fields, and stays open while its request runs.
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { Cancelled, Refusal, Unanswered } from "../failures.js";
import { CHANGED, faultsOf, sentence } from "../model/answer.js";

let numbered = 0;
/** Dialogs that are shown, the newest last. */
const shown = [];

/** Close every dialog whose request does not run: what they ask about is not on the page any more. */
export function closeDialogs() {
  for (const one of [...shown].reverse()) one.close();
}

/** The title of a dialog about a lane, which it names where the hub has several. */
export function titled(lane, title) {
  return lane.range.lanes.length > 1 ? texts.form.onLane(lane.range.lane, title) : title;
}

/** A dialog that closes by Escape and by its own button unless it is busy. Focus returns to the element that opened it. */
export class Dialog {
  #opener = null;
  #closed = null;

  constructor(title, kind = "") {
    const id = `operate-${++numbered}`;
    this.heading = element("h2", { id }, title);
    this.content = element("div", { class: "content" });
    this.closeButton = element("button", { type: "button", class: "close", "aria-label": texts.form.dismiss }, "×");
    this.closeButton.addEventListener("click", () => this.close());
    this.box = element("dialog", { class: `operate ${kind}`.trim(), "aria-labelledby": id });
    this.box.append(element("header", {}, this.heading, this.closeButton), this.content);
    this.box.addEventListener("cancel", (event) => { event.preventDefault(); this.close(); });
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target.closest("dialog") !== this.box) return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    });
    this.box.addEventListener("close", () => this.#afterClose());
  }

  get isBusy() { return this.box.getAttribute("aria-busy") === "true"; }

  set isBusy(value) { this.box.setAttribute("aria-busy", String(value)); }

  /** Show it; the promise resolves with what close() is given. */
  open() {
    this.#opener = document.activeElement;
    document.body.append(this.box);
    this.box.showModal();
    shown.push(this);
    this.focusFirst();
    return new Promise((resolve) => { this.#closed = resolve; });
  }

  /** Where the keyboard begins: not at the button that closes. */
  focusFirst() {
    (this.content.querySelector("button, a, input") ?? this.closeButton).focus();
  }

  /** Close it, unless a request runs. */
  close(result = null) {
    if (this.isBusy) return;
    this.result = result;
    this.box.close();
  }

  #afterClose() {
    if (this.isBusy) { this.box.showModal(); return; } // a browser may close a dialog against the page's wish
    this.box.remove();
    shown.splice(shown.indexOf(this), 1);
    const back = this.#opener?.isConnected && this.#opener.getClientRects().length ? this.#opener : document.getElementById("operate");
    back?.focus();
    this.#closed?.(this.result ?? null);
  }
}

/** A dialog with fields and a button that sends them. */
export class FormDialog extends Dialog {
  /**
   * send(values): the request; raises the failures of send.js. The dialog closes with its result, or stays open and calls it
   * where it is a function. Options: place(path) gives the name of the field for an error,
   * check(values) faults by field, onChanged(refusal) reloads the values after a 412, danger marks what cannot be taken back.
   */
  constructor(title, fields, submit, send, options = {}) {
    super(title, options.kind);
    Object.assign(this, { send, options });
    this.faults = element("div", { class: "faults", role: "alert", hidden: true });
    this.submit = element("button", { type: "submit", class: options.danger ? "primary danger" : "primary" }, submit);
    this.cancel = element("button", { type: "button" }, options.cancel ?? texts.form.cancel);
    this.cancel.addEventListener("click", () => this.close());
    this.fields = element("div", { class: "fields" }, ...fields);
    this.form = element("form", { autocomplete: "off" }, this.fields, this.faults,
      element("footer", {}, this.cancel, this.submit));
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.#onSubmit(); });
    this.form.addEventListener("input", (event) => this.#forget(event.target.name));
    this.content.append(this.form);
  }

  /** The values of the named fields: texts trimmed, numbers as numbers or null, checkboxes as true or false. */
  get values() {
    const found = {};
    for (const input of this.form.elements) {
      if (!input.name || (input.type === "radio" && !input.checked)) continue;
      found[input.name] = input.type === "checkbox" ? input.checked : input.type === "number" ? (input.value === "" ? null : input.valueAsNumber) : input.value.trim();
    }
    return found;
  }

  set values(values) {
    for (const [name, value] of Object.entries(values)) {
      const input = this.form.elements.namedItem(name);
      if (!input) continue;
      if (input.type === "checkbox") input.checked = value;
      else input.value = value ?? "";
    }
  }

  /** The first field, else the button that sends; always that one where a field would unfold a keyboard over half of the screen. */
  focusFirst() {
    const field = this.fields.querySelector("[autofocus]") ?? this.fields.querySelector("input, select");
    const isFilled = field?.matches("input:not([type=radio], [type=checkbox])") && field.value !== "";
    const target = !field || (isFilled && !matchMedia("(pointer: fine)").matches) ? this.submit : field;
    (target.hidden ? this.cancel : target).focus();
  }

  async #onSubmit() {
    if (this.isBusy) return;
    const values = this.values;
    const fields = this.options.check?.(values) ?? {};
    this.showFaults({ fields, general: [] });
    if (Object.keys(fields).length) return;
    const label = this.submit.textContent;
    this.#setBusy(true, texts.form.working);
    let result, failure = null;
    try {
      result = await this.send(values);
    } catch (error) {
      failure = error;
    }
    this.#setBusy(false, label);
    if (failure) this.#onFailure(failure);
    else if (typeof result === "function") result();
    else this.close(result);
  }

  #setBusy(isBusy, label) {
    this.isBusy = isBusy;
    this.submit.textContent = label;
    // Disabled buttons would lose the focus.
    for (const button of [this.submit, this.cancel, this.closeButton]) button.setAttribute("aria-disabled", String(isBusy));
  }

  #onFailure(failure) {
    if (failure instanceof Cancelled) return;
    if (failure instanceof Unanswered) this.showFaults({ fields: {}, general: [texts.form.unanswered] });
    else if (!(failure instanceof Refusal)) throw failure;
    else if (failure.status === CHANGED && this.options.onChanged) this.options.onChanged(failure, this);
    else this.showFaults(this.faultsOf(failure));
  }

  /** The texts of a refused request, by field. */
  faultsOf(refusal) {
    const names = [...this.form.elements].map((one) => one.name).filter(Boolean);
    const found = faultsOf(refusal.errors, names, this.options.place);
    if (!refusal.errors.length) found.general.push(texts.form.refused(refusal.status));
    return found;
  }

  /** Show texts beside their fields and below the form, and move to the first field with one. */
  showFaults({ fields, general }) {
    for (const note of this.form.querySelectorAll("[data-fault]")) this.#setFault(note.dataset.fault, fields[note.dataset.fault] ?? "");
    const rest = [...general, ...Object.entries(fields).filter(([name]) => !this.#noteOf(name)).map(([, text]) => text)];
    this.faults.replaceChildren(...rest.map((text) => element("p", {}, text)));
    this.faults.hidden = !rest.length;
    const first = this.form.querySelector("[aria-invalid]");
    if (first) first.focus();
    else if (rest.length) this.faults.scrollIntoView({ block: "nearest" });
  }

  /** Show an outcome in place of the fields; what is left to do is to close the dialog. */
  settle(text) {
    this.fields.replaceChildren(element("p", { class: "wide settled", role: "status" }, text));
    this.submit.hidden = true;
    this.cancel.textContent = texts.form.dismiss;
    this.cancel.focus();
  }

  #noteOf(name) {
    return this.form.querySelector(`[data-fault="${CSS.escape(name)}"]`);
  }

  #setFault(name, text) {
    const note = this.#noteOf(name);
    note.textContent = text;
    note.hidden = !text;
    const named = this.form.elements.namedItem(name);
    for (const input of named instanceof RadioNodeList ? named : [named]) {
      if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
      // A folded part with a fault opens.
      if (text) input.closest("details")?.setAttribute("open", "");
    }
  }

  #forget(name) {
    if (name && this.#noteOf(name)) this.#setFault(name, "");
    if (!this.form.querySelector("[aria-invalid]")) { this.faults.hidden = true; this.faults.replaceChildren(); }
  }
}

/** The text of a failure for a person. */
export function failureText(failure) {
  if (failure instanceof Refusal) return failure.errors[0] ? sentence(failure.errors[0]) : texts.form.refused(failure.status);
  return texts.form.unanswered;
}

/** Load what a dialog shows, again if the operator wants it. Returns null when that is given up. */
export async function loaded(title, load) {
  for (;;) {
    try {
      return await load();
    } catch (failure) {
      if (failure instanceof Cancelled) return null;
      if (!(failure instanceof Refusal || failure instanceof Unanswered)) throw failure;
      const text = failure instanceof Refusal ? failureText(failure) : texts.form.notLoaded;
      const dialog = new FormDialog(title, [element("p", { class: "wide", role: "alert" }, text)], texts.form.again, async () => true, { kind: "small" });
      if (!(await dialog.open())) return null;
    }
  }
}
