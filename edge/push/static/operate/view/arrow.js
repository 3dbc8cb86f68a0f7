// Arrows: list them, register one, and program its tag on the scanner.
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { arrowBody, nextName, stateText } from "../model/arrow.js";
import { change, read } from "../send.js";
import { Dialog, FormDialog, loaded } from "./dialog.js";
import { checkField, folded, numberField, selectField, textField } from "./fields.js";
import { programTag } from "./program.js";

const LONGEST_NAME = 10;

/** Entry: the list of arrows, with a way to register and to program. */
export async function showArrows() {
  const list = element("ul", { class: "rows wide" });
  const dialog = new Dialog(texts.arrow.title);
  const register = element("button", { type: "button", class: "primary" }, texts.arrow.register);
  dialog.content.append(element("div", { class: "fields" }, list), element("footer", {}, register));
  let last = null;
  async function refill() {
    const found = await loaded(texts.arrow.title, () => read("arrow", { is_active: true }));
    if (!found) return;
    list.replaceChildren(...(found.data.length ? found.data.map(row) : [element("li", { class: "empty" }, texts.arrow.none)]));
  }
  function row(arrow) {
    const button = element("button", { type: "button", "aria-label": texts.arrow.programOf(arrow.human_identifier) }, texts.arrow.program);
    button.addEventListener("click", async () => { if (await program(arrow)) await refill(); });
    return element("li", { "data-arrow": arrow.id }, element("b", {}, arrow.human_identifier), element("span", { class: "about" }, stateText(arrow)), button);
  }
  register.addEventListener("click", async () => {
    for (let again = true; again;) {
      const made = await registerArrow(last);
      if (!made) break;
      last = made;
      await refill();
      again = await program(made, { isNew: true }) === "next";
      await refill();
    }
  });
  await refill();
  await dialog.open();
}

/** Register an arrow, filled in like the one before. Resolves with it, or null. */
async function registerArrow(before) {
  const { arrow: words } = texts;
  let id = null;
  const size = (name, label, lowest, highest, more = {}) => numberField(name, label, { lowest, highest, value: before?.[name], isOptional: !more.required, ...more });
  const dialog = new FormDialog(words.registerTitle, [
    textField("human_identifier", words.name, { required: true, most: LONGEST_NAME, hint: words.nameHint, wide: true, autofocus: true, value: nextName(before?.human_identifier ?? "") }),
    size("length", words.length, 10, 200, { required: true }),
    size("diameter", words.diameter, 1, 30),
    folded(words.more, size("weight", words.weight, 1, 500), size("spine", words.spine, 10, 5000), size("label_position", words.labelPosition, 0, 200)),
  ], words.registerSubmit, async (values) => {
    id ??= (await read("arrow/new_arrow_uuid")).data; // one for all attempts, so that a lost answer makes no second arrow
    const body = arrowBody(id, values);
    await change("POST", "arrow", { body });
    return body;
  });
  return dialog.open();
}

/** Program the tag of an arrow and show the steps. Resolves with "done", "next" to register another one, or null. */
async function program(arrow, { isNew = false } = {}) {
  const { arrow: words } = texts;
  const found = await loaded(words.programTitle(arrow.human_identifier), () => read("device"));
  if (!found) return null;
  const scanners = found.data.filter((device) => device.kind === "arrow");
  const progress = element("p", { class: "wide progress", role: "status" });
  const bar = element("progress", { class: "wide", hidden: true });
  const notes = [...(isNew ? [words.registered(arrow.human_identifier)] : []), scanners.length ? words.programIntro : words.noScanner];
  let isDone = false;
  const dialog = new FormDialog(words.programTitle(arrow.human_identifier), [
    ...notes.map((text) => element("p", { class: "wide" }, text)),
    ...(scanners.length > 1 ? [selectField("scanner_id", words.scanner, scanners.map((one) => [one.id, one.id]), { wide: true })] : []),
    ...(scanners.length ? [checkField("lock", words.lock, { wide: true, hint: words.lockHint })] : []), bar, progress,
  ], words.programSubmit, async (values) => {
    if (isDone) return isNew ? "next" : "done";
    bar.hidden = false;
    const onStep = (text, part) => {
      progress.textContent = text;
      if (part === null) bar.removeAttribute("value"); else bar.value = part;
    };
    try {
      await programTag(arrow, { scanner_id: values.scanner_id ?? scanners[0].id, lock: values.lock }, onStep);
    } catch (failure) {
      progress.textContent = "";
      bar.hidden = true;
      throw failure;
    }
    isDone = true;
    bar.hidden = true;
    return () => {
      progress.textContent = words.done(arrow.human_identifier);
      progress.classList.add("good");
      dialog.submit.textContent = words.next;
      dialog.submit.hidden = !isNew;
      if (!isNew) dialog.cancel.focus();
    };
  }, { kind: "small", cancel: texts.form.dismiss });
  dialog.submit.hidden = !scanners.length;
  const result = await dialog.open();
  return result ?? (isDone ? "done" : null);
}
