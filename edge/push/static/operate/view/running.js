// The session that runs: end an end, close, mark sighters, and change what it was opened with.
import { whole } from "../../model/format.js";
import { counts } from "../../model/score.js";
import { Result } from "../../model/vocabulary.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { changedValues, detailsOf, mergedValues } from "../model/answer.js";
import { endsOf, shotsOfEnd } from "../model/paper.js";
import { change, read } from "../send.js";
import { FormDialog, loaded, titled } from "./dialog.js";
import { checkField, numberField, textField } from "./fields.js";

const LONGEST_TEXT = 255;

/** End the end that the dialog shows, for archers who have shot fewer arrows than planned: when another has begun meanwhile it asks again. */
export async function endEnd(lane) {
  const { id } = lane.range.session;
  let [seen] = endsOf(lane.shots());
  const notes = () => {
    const arrows = seen ? shotsOfEnd(lane.shots(), seen.number, "") : [];
    const pending = arrows.filter((shot) => shot.result === Result.PENDING).length;
    return [texts.end.intro(texts.arrows(arrows.length), whole(pointsOf(arrows))), ...(pending ? [texts.end.pending(pending)] : [])];
  };
  const title = () => titled(lane, seen ? texts.end.title(nameOf(seen)) : texts.end.noEnd);
  const dialog = new FormDialog(title(), paragraphs(notes()), texts.end.submit, async () => {
    await change("POST", `session/${id}/end`, { ifMatch: seen && `"${seen.number}"` });
    return true;
  }, {
    kind: "small",
    onChanged: async (_, form) => {
      await lane.reload();
      const before = seen;
      [seen] = endsOf(lane.shots());
      if (!seen || seen.number === before.number) return void form.settle(texts.end.already(nameOf(before)));
      form.heading.textContent = title();
      form.fields.replaceChildren(...paragraphs(notes()));
      form.showFaults({ fields: {}, general: [texts.end.changed(nameOf(before), nameOf(seen))] });
    },
  });
  if (await dialog.open()) lane.reload();
}

export async function closeSession(lane) {
  const { id } = lane.range.session;
  const shots = lane.shots().filter(counts);
  const intro = texts.close.intro(texts.arrows(shots.length), whole(lane.points() ?? pointsOf(shots)));
  const dialog = new FormDialog(titled(lane, texts.close.title), paragraphs([intro]), texts.close.submit, async () => {
    await change("POST", `session/${id}/close`);
    return true;
  }, { kind: "small", danger: true });
  if (await dialog.open()) lane.reload();
}

function nameOf(end) {
  return end.name || whole(end.number);
}

function paragraphs(notes) {
  return notes.map((text) => element("p", { class: "wide" }, text));
}

function pointsOf(shots) {
  let sum = 0;
  for (const shot of shots) if (!shot.sighter && !shot.extra) sum += shot.points ?? 0;
  return sum;
}

/** Set the number of ends at the beginning that do not count. */
export function markSighters(lane) {
  return editSession(lane, titled(lane, texts.sighters.title), ["sighter_ends"], texts.sighters.submit, (values) => [
    element("p", { class: "wide" }, texts.sighters.intro),
    numberField("sighter_ends", texts.sighters.field, { value: values.sighter_ends, lowest: 0, highest: 100, step: 1, required: true, wide: true, autofocus: true }),
  ]);
}

export function changeSession(lane) {
  const { open } = texts;
  return editSession(lane, titled(lane, texts.settings.title), ["location", "is_indoor", "arrows_per_end"], texts.settings.submit, (values) => [
    textField("location", open.location, { value: values.location, required: true, most: LONGEST_TEXT, wide: true, spellcheck: true, autofocus: true }),
    numberField("arrows_per_end", open.arrowsPerEnd, { value: values.arrows_per_end, lowest: 1, highest: 24, step: 1, required: true }),
    checkField("is_indoor", open.indoor, { value: values.is_indoor }),
  ]);
}

/** A form for some columns of the session. After a 412 it shows the new values, and keeps what was typed. */
async function editSession(lane, title, names, submit, fields) {
  const path = `session/${lane.range.session.id}`;
  const found = await loaded(title, () => read(`${path}/settings`));
  if (!found) return;
  const pick = (row) => Object.fromEntries(names.map((name) => [name, row[name]]));
  let { etag } = found;
  let initial = pick(found.data);
  const dialog = new FormDialog(title, fields(initial), submit, async (values) => {
    const body = changedValues(values, initial);
    if (Object.keys(body).length) await change("PATCH", path, { body, ifMatch: etag });
    return true;
  }, {
    kind: "small",
    onChanged: async (refusal, form) => {
      const now = await loaded(title, () => read(`${path}/settings`));
      if (!now) return;
      const typed = form.values;
      const { values, kept } = mergedValues(typed, initial, pick(now.data));
      ({ etag } = now);
      initial = pick(now.data);
      form.values = values;
      const shown = (value) => (typeof value === "boolean" ? (value ? texts.settings.yes : texts.settings.no) : String(value));
      form.showFaults({ fields: Object.fromEntries(kept.map((name) => [name, texts.settings.now(shown(initial[name]))])),
        general: [texts.form.changed, ...(kept.length ? [] : detailsOf(refusal))] });
    },
  });
  if (await dialog.open()) lane.reload();
}
