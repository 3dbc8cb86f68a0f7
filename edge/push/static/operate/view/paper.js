// The second scorer: the values of the score card by keypad, end by end and archer by archer, beside those of the sensors.
import { whole } from "../../model/format.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { compare, endsOf, entriesOf, entryOf, sensorValues, sumOf } from "../model/paper.js";
import { colour, pointsOfX, valuesOf } from "../model/values.js";
import { change, read } from "../send.js";
import { FormDialog, loaded } from "./dialog.js";
import { selectField } from "./fields.js";

export async function enterPaper(lane) {
  const { paper } = texts;
  const { session, slots } = lane.range;
  const found = await loaded(paper.title, () => read(`session/${session.id}/paper`));
  if (!found) return;
  const entries = entriesOf(found.data);
  const ends = endsOf(lane.shots()).sort((a, b) => a.number - b.number);
  const open = ends.find((end) => letters(slots).some((letter) => !entryOf(entries, end.number, letter))) ?? ends.at(-1);
  let typed = [];

  const end = selectField("end_number", paper.end, ends.map((one) => [one.number, paper.endName(one.name || String(one.number), one.count)]), { value: open?.number });
  const archer = slots.length > 1 ? selectField("slot", paper.archer, slots.map((slot) => [slot.letter, `${slot.letter} ${slot.archer ?? ""}`.trim()])) : null;
  const table = element("table", { class: "compare" });
  const verdict = element("p", { class: "wide verdict", role: "status" });
  const keys = element("div", { class: "choices keys", role: "group", "aria-label": paper.entered });
  const saved = element("p", { class: "wide saved", role: "status" });

  const dialog = new FormDialog(paper.title, ends.length
    ? [element("p", { class: "wide" }, paper.intro), end, ...(archer ? [archer] : []),
      element("div", { class: "wide scroll" }, table), verdict, element("div", { class: "wide choice keys" }, keys), saved]
    : [element("p", { class: "wide" }, paper.empty)], paper.submit, async () => {
    const { number, letter } = chosen();
    const body = { end_number: number, values: typed };
    if (letter) body.slot = letter;
    await change("POST", `session/${session.id}/paper`, { body });
    entries.push({ slot: letter || null, end_number: number, values: [...typed] });
    lane.paperChanged();
    return () => {
      saved.textContent = paper.next;
      advance();
    };
  }, { check: () => (typed.length ? {} : { values: paper.nothing }), cancel: texts.form.dismiss, place: () => "" });
  dialog.submit.hidden = !ends.length;

  function chosen() {
    return { number: Number(dialog.form.elements.end_number.value), letter: dialog.form.elements.slot?.value ?? (slots[0]?.letter ?? "") };
  }

  function faces(letter) {
    return lane.range.facesOf({ slot: letter, flags: [] });
  }

  /** Show the end that is chosen, with what was entered for it before. */
  function begin() {
    const { number, letter } = chosen();
    typed = [...(entryOf(entries, number, letter)?.values ?? [])];
    keys.replaceChildren(...valuesOf(faces(letter)).map((value) => key(value)), backKey());
    keys.firstElementChild.setAttribute("autofocus", "");
    draw();
  }

  function draw() {
    const { number, letter } = chosen();
    const sensors = sensorValues(lane.shots(), number, shared(slots) ? letter : "");
    const rows = compare(typed, sensors);
    const worth = pointsOfX(faces(letter), session.x_points ?? null);
    const cells = (side) => rows.map((row) => element("td", { class: row.differs && typed.length ? "differs" : null }, row[side] || texts.none));
    table.replaceChildren(
      element("tr", {}, element("th", { scope: "row" }, paper.entered), ...cells("paper"), element("td", { class: "sum" }, typed.length ? whole(sumOf(typed, worth)) : texts.none)),
      element("tr", {}, element("th", { scope: "row" }, paper.sensors), ...cells("sensor"), element("td", { class: "sum" }, whole(sumOf(sensors, worth)))));
    const differing = rows.filter((row) => row.differs).length;
    verdict.textContent = !typed.length ? "" : differing ? paper.differs(differing) : paper.same;
    verdict.dataset.differs = String(Boolean(typed.length && differing));
  }

  function add(value) {
    if (typed.length >= session.arrows_per_end) return;
    typed.push(value);
    saved.textContent = "";
    dialog.showFaults({ fields: {}, general: [] });
    draw();
  }

  function removeLast() {
    typed.pop();
    draw();
  }

  function key(value) {
    const button = element("button", { type: "button", class: `key ${colour(value)}` }, value);
    button.addEventListener("click", () => add(value));
    return button;
  }

  function backKey() {
    const button = element("button", { type: "button", class: "key back", "aria-label": paper.back }, "⌫");
    button.addEventListener("click", removeLast);
    return button;
  }

  /** The next archer of the end without an entry, else the next end. */
  function advance() {
    const { number } = chosen();
    const later = [...ends.filter((one) => one.number >= number), ...ends];
    for (const one of later) {
      const missing = letters(slots).find((letter) => !entryOf(entries, one.number, letter));
      if (missing === undefined) continue;
      dialog.form.elements.end_number.value = String(one.number);
      if (archer) dialog.form.elements.slot.value = missing;
      break;
    }
    begin();
  }

  dialog.form.addEventListener("change", begin);
  dialog.form.addEventListener("keydown", (event) => {
    if (event.target.closest("select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.target.closest(".key")) { // the keypad's keys answer to a tap and to the space bar
      event.preventDefault();
      dialog.form.requestSubmit();
      return;
    }
    const value = valuesOf(faces(chosen().letter)).find((one) => one === event.key.toUpperCase() || (event.key === "0" && one === "10"));
    if (value) add(value);
    else if (event.key === "Backspace") removeLast();
    else return;
    event.preventDefault();
  });
  if (ends.length) {
    begin();
    lane.drawn.add(draw); // arrows still arrive
  }
  await dialog.open();
  lane.drawn.delete(draw);
}

function shared(slots) {
  return slots.length > 1;
}

function letters(slots) {
  return slots.length ? slots.map((slot) => slot.letter) : [""];
}
