// Decide the value of a shot, void it and restore it; each with a reason that is kept.
import { arrowPhrase, place } from "../../model/format.js";
import { call } from "../../model/score.js";
import { Result } from "../../model/vocabulary.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { detailsOf } from "../model/answer.js";
import { correction, tagOf, valueOf, valuesOf } from "../model/values.js";
import { change } from "../send.js";
import { FormDialog, titled } from "./dialog.js";
import { choiceField, reasonField } from "./fields.js";

/** Confirm or correct the value of a shot. */
export function correctShot(lane, shot) {
  const title = titled(lane, shot.line_call ? texts.shot.lineTitle(place(shot)) : texts.shot.correctTitle(place(shot)));
  const intro = element("p", { class: "wide" });
  const show = (one) => {
    const note = texts.shot.intro(call(one), arrowPhrase(one));
    intro.textContent = one.line_call ? `${texts.shot.lineIntro} ${note}` : note;
  };
  show(shot);
  const values = valuesOf(lane.range.facesOf(shot));
  return send(lane, shot, title, [
    intro, choiceField("value", texts.shot.values, values.map((value) => [value, value]), { kind: "keys", value: valueOf(shot), autofocus: true }),
    reasonField(texts.shot.reasons.correct),
  ], texts.shot.correctSubmit, "correct", ({ value, reason }) => correction(value, reason), { show, place: () => "value" });
}

export function voidShot(lane, shot) {
  const intro = element("p", { class: "wide" });
  const show = (one) => { intro.textContent = texts.shot.voidIntro(call(one), arrowPhrase(one)); };
  show(shot);
  return send(lane, shot, titled(lane, texts.shot.voidTitle(place(shot))), [intro, reasonField(texts.shot.reasons.void)],
    texts.shot.voidSubmit, "void", ({ reason }) => ({ reason }), { show, danger: true });
}

export function restoreShot(lane, shot) {
  const title = titled(lane, shot.result === Result.VOID ? texts.shot.restoreVoid(arrowPhrase(shot)) : texts.shot.restoreTitle(place(shot)));
  return send(lane, shot, title, [element("p", { class: "wide" }, texts.shot.restoreIntro), reasonField(texts.shot.reasons.restore)],
    texts.shot.restoreSubmit, "restore", ({ reason }) => ({ reason }), {});
}

/** A correction is of the revision that the operator saw. When another has come meanwhile, the dialog shows it and asks again. */
async function send(lane, shot, title, fields, submit, action, bodyOf, { show, danger, place: placeOf }) {
  let seen = shot;
  const dialog = new FormDialog(title, fields, submit, async (values) => {
    const { data } = await change("POST", `shot/${seen.id}/${action}`, { body: bodyOf(values), ifMatch: tagOf(seen) });
    return data?.done === false ? () => dialog.settle(texts.shot.recorded) : true;
  }, {
    danger,
    place: (path) => (path === "reason" ? path : placeOf?.(path) ?? path),
    onChanged: (refusal, form) => {
      seen = { ...seen, ...(refusal.data ?? lane.shots().find((one) => one.id === seen.id)) };
      show?.(seen);
      form.showFaults({ fields: {}, general: [texts.form.changedShot, ...detailsOf(refusal)] });
    },
  });
  if (await dialog.open()) lane.select(seen.id);
}
