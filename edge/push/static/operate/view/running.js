// The session that runs: end an end, close, mark sighters, and change what it was opened with.
import { whole } from "../../model/format.js";
import { counts } from "../../model/score.js";
import { Result } from "../../model/vocabulary.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { changedValues, mergedValues } from "../model/answer.js";
import { endsOf, shotsOfEnd } from "../model/paper.js";
import { change, read } from "../send.js";
import { FormDialog, loaded } from "./dialog.js";
import { checkField, numberField, textField } from "./fields.js";

const LONGEST_TEXT = 255;

/** End the current end, for archers who have shot fewer arrows than planned. */
export async function endEnd(lane) {
  const shots = lane.shots();
  const [current] = endsOf(shots);
  const arrows = current ? shotsOfEnd(shots, current.number, "") : [];
  const pending = arrows.filter((shot) => shot.result === Result.PENDING).length;
  const notes = [texts.end.intro(texts.arrows(arrows.length), whole(pointsOf(arrows))), ...(pending ? [texts.end.pending(pending)] : [])];
  const title = current ? texts.end.title(current.name || whole(current.number)) : texts.end.noEnd;
  await confirm(lane, title, notes, texts.end.submit, "end");
}

export async function closeSession(lane) {
  const shots = lane.shots().filter(counts);
  const intro = texts.close.intro(texts.arrows(shots.length), whole(lane.points() ?? pointsOf(shots)));
  await confirm(lane, texts.close.title, [intro], texts.close.submit, "close", { danger: true });
}

async function confirm(lane, title, notes, submit, action, options = {}) {
  const { id } = lane.range.session;
  const dialog = new FormDialog(title, notes.map((text) => element("p", { class: "wide" }, text)), submit, async () => {
    await change("POST", `session/${id}/${action}`);
    return true;
  }, { kind: "small", ...options });
  if (await dialog.open()) lane.reload();
}

function pointsOf(shots) {
  let sum = 0;
  for (const shot of shots) if (!shot.sighter && !shot.extra) sum += shot.points ?? 0;
  return sum;
}

/** Set the number of ends at the beginning that do not count. */
export function markSighters(lane) {
  return editSession(lane, texts.sighters.title, ["sighter_ends"], texts.sighters.submit, (values) => [
    element("p", { class: "wide" }, texts.sighters.intro),
    numberField("sighter_ends", texts.sighters.field, { value: values.sighter_ends, lowest: 0, highest: 100, step: 1, required: true, wide: true, autofocus: true }),
  ]);
}

export function changeSession(lane) {
  const { open } = texts;
  return editSession(lane, texts.settings.title, ["location", "is_indoor", "arrows_per_end"], texts.settings.submit, (values) => [
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
        general: [texts.form.changed, ...(kept.length ? [] : refusal.errors.map((one) => one.message))] });
    },
  });
  if (await dialog.open()) lane.reload();
}
