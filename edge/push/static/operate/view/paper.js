// The second scorer: the values of the score card by keypad, end by end and archer by archer, beside those of the sensors.
import { whole } from "../../model/format.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { archerOf, cardEnds, compare, entriesOf, entryOf, sensorValues, sumOf } from "../model/paper.js";
import { colour, pointsOfX, valuesOf } from "../model/values.js";
import { change, read } from "../send.js";
import { FormDialog, loaded, titled } from "./dialog.js";
import { selectField } from "./fields.js";

export async function enterPaper(lane) {
  const { paper } = texts;
  const { session, slots } = lane.range;
  const found = await loaded(paper.title, () => read(`session/${session.id}/paper`));
  if (!found) return;
  const entries = entriesOf(found.data);
  const isMissing = (number) => letters(slots).find((letter) => !entryOf(entries, number, letter));
  let ends = [];
  let typed = [];

  const end = selectField("end_number", paper.end, []);
  const archer = slots.length > 1 ? selectField("slot", paper.archer, slots.map((slot) => [slot.letter, `${slot.letter} ${slot.archer ?? ""}`.trim()])) : null;
  const table = element("table", { class: "compare" });
  const verdict = element("p", { class: "wide verdict", role: "status" });
  const keys = element("div", { class: "choices keys", role: "group", "aria-label": paper.entered });
  const saved = element("p", { class: "wide saved", role: "status" });

  const dialog = new FormDialog(titled(lane, paper.title), [
    element("p", { class: "wide" }, paper.intro), end, ...(archer ? [archer] : []),
    element("div", { class: "wide scroll" }, table), verdict, element("div", { class: "wide choice keys" }, keys), saved,
  ], paper.submit, async () => {
    const { number, letter } = chosen();
    const body = { end_number: number, values: typed };
    if (letter) body.slot = letter;
    await change("POST", `session/${session.id}/paper`, { body });
    entries.push({ slot: body.slot ?? null, end_number: number, values: [...typed] });
    lane.paperChanged();
    return () => {
      saved.textContent = paper.next;
      advance();
    };
  }, { check: () => (typed.length || isEntered() ? {} : { values: paper.nothing }), cancel: texts.form.dismiss, place: () => "" });

  /** The choices of the end: a new one appears with its first shot or entry. */
  function fillEnds() {
    const now = cardEnds(lane.shots(), entries, session.sighter_ends);
    const select = end.querySelector("select");
    const before = select.value;
    if (JSON.stringify(now) === JSON.stringify(ends)) return;
    ends = now;
    select.replaceChildren(...[...ends].reverse().map((one) =>
      element("option", { value: one.number }, one.count ? paper.endName(one.name, one.count) : paper.unseenEnd(one.name))));
    if (before) select.value = before;
  }

  function chosen() {
    return { number: Number(dialog.form.elements.end_number.value), letter: dialog.form.elements.slot?.value ?? (slots[0]?.letter ?? "") };
  }

  function isEntered() {
    const { number, letter } = chosen();
    return Boolean(entryOf(entries, number, letter));
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
    fillEnds();
    const { number, letter } = chosen();
    const sensors = sensorValues(lane.shots(), number, archerOf(slots, letter));
    const rows = compare(typed, sensors);
    const worth = pointsOfX(faces(letter), session.x_points ?? null);
    const cells = (side) => rows.map((row) => element("td", { class: row.differs && typed.length && sensors.length ? "differs" : null }, row[side] || texts.none));
    table.replaceChildren(
      element("tr", {}, element("th", { scope: "row" }, paper.entered), ...cells("paper"), element("td", { class: "sum" }, typed.length ? whole(sumOf(typed, worth)) : texts.none)),
      element("tr", {}, element("th", { scope: "row" }, paper.sensors), ...cells("sensor"), element("td", { class: "sum" }, whole(sumOf(sensors, worth)))));
    const differing = rows.filter((row) => row.differs).length;
    verdict.textContent = !typed.length && isEntered() ? paper.withdraws : !sensors.length ? paper.noSensors : !typed.length ? "" : differing ? paper.differs(differing) : paper.same;
    verdict.dataset.differs = String(Boolean(typed.length && sensors.length && differing));
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
    saved.textContent = "";
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

  /** Choose the next archer of this end without an entry, else the next end; an end that the sensors did not see only after another such one. */
  function advance(from = chosen().number) {
    fillEnds();
    const inTurn = [...ends].reverse();
    const seen = inTurn.filter((one) => one.count);
    const isUnseen = !seen.some((one) => one.number === Number(dialog.form.elements.end_number.value));
    const offered = [...seen.filter((one) => one.number >= from), ...seen, ...(isUnseen || !seen.length ? inTurn : [])];
    const next = offered.find((one) => isMissing(one.number) !== undefined) ?? seen.find((one) => one.number === from) ?? seen.at(-1);
    dialog.form.elements.end_number.value = String(next.number);
    if (archer) dialog.form.elements.slot.value = isMissing(next.number) ?? dialog.form.elements.slot.value;
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
  fillEnds();
  dialog.form.elements.end_number.value = String((ends.find((one) => one.count) ?? ends[0]).number);
  advance(1);
  lane.drawn.add(draw); // arrows still arrive
  await dialog.open();
  lane.drawn.delete(draw);
}

function letters(slots) {
  return slots.length ? slots.map((slot) => slot.letter) : [""];
}
