// Resolve a landing that no release explains: give it to a shot, make it one of its own, or dismiss it.
import { arrowPhrase, clock, offset, place } from "../../model/format.js";
import { moment } from "../../model/score.js";
import { faceOf } from "../../model/why.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { detailsOf } from "../model/answer.js";
import { ALONE, candidates, DISMISS, resolution } from "../model/orphan.js";
import { change, read } from "../send.js";
import { FormDialog, loaded, titled } from "./dialog.js";
import { choiceField, reasonField, selectField } from "./fields.js";

export async function resolveOrphan(lane) {
  const { orphan: words } = texts;
  const orphans = lane.range.orphans;
  if (!orphans.length) return;
  const which = selectField("orphan", words.which, orphans.map((one) => [one.id, words.landing(clock(one.at), where(lane, one))]), { value: orphans[0].id, wide: true });
  const holder = element("div", { class: "wide" });
  const tags = new Map();
  /** The choices for a landing, and its state now: another operator may resolve it meanwhile. */
  async function offer(id) {
    const found = await loaded(words.title, () => read(`orphan/${id}`));
    if (!found) return false;
    tags.set(id, found.etag);
    holder.replaceChildren(choices(lane, orphans.find((one) => one.id === id)));
    return true;
  }
  if (!(await offer(orphans[0].id))) return;
  const dialog = new FormDialog(titled(lane, words.title), [element("p", { class: "wide" }, words.intro), which, holder, reasonField(words.reasons)], words.submit,
    async ({ orphan, choice, reason }) => {
      const { action, body } = resolution(choice, reason);
      const { data } = await change("POST", `orphan/${orphan}/${action}`, { body, ifMatch: tags.get(orphan) });
      return data?.done === false ? () => dialog.settle(texts.shot.recorded) : true;
    }, {
      place: (path) => (path === "reason" ? path : "choice"),
      onChanged: (refusal, form) => {
        tags.set(form.values.orphan, refusal.etag);
        form.showFaults({ fields: {}, general: [words.changed, ...detailsOf(refusal)] });
      },
    });
  which.querySelector("select").addEventListener("change", ({ target }) => offer(target.value));
  await dialog.open();
}

function choices(lane, orphan) {
  const { orphan: words } = texts;
  return choiceField("choice", words.choice, [
    ...candidates(lane.shots(), orphan).map((shot) => [shot.id, words.shot(place(shot), arrowPhrase(shot), clock(moment(shot)))]),
    [ALONE, words.alone], [DISMISS, words.dismiss],
  ]);
}

/** The place of a landing beside the middle of the nearest face. */
function where(lane, orphan) {
  const face = orphan.x === null ? null : faceOf(orphan, lane.range.faces);
  return face ? offset(orphan.x - face.x, orphan.y - face.y) : texts.orphan.noPlace;
}
