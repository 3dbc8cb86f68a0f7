// Open a session: the form is filled in as the lane's last session was.
import { clock } from "../../model/format.js";
import { units } from "../../preferences.js";
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { mergedValues } from "../model/answer.js";
import { AS_BEFORE, faceName, inMetres, inUnit, isShared, LETTERS, openBody, openFaults, openPlace, openValues } from "../model/session.js";
import { change, read } from "../send.js";
import { FormDialog, loaded } from "./dialog.js";
import { checkField, folded, numberField, selectField, textField } from "./fields.js";

/** Distances that the form proposes, in metres and in yards. */
const DISTANCES = Object.freeze({ m: [18, 25, 30, 40, 50, 60, 70, 90], yd: [20, 30, 40, 50, 60, 80, 100] });
const LONGEST_TEXT = 255;
/** Longest name of an archer. */
const LONGEST_NAME = 100;

export async function openSession(lane) {
  let prefill = await loaded(texts.open.title, () => proposal(lane.range.lane));
  if (!prefill) return;
  let initial = shownValues(prefill);
  let hasChosen = false; // whether archers have faces of their own
  let body = null;
  const dialog = new FormDialog(texts.open.title, fieldsOf(prefill, initial, lane.range.lanes), texts.open.submit, async (values) => {
    const unclaimed = lane.range.lanes.find((one) => one.lane === Number(values.lane));
    const metres = inMetres(values.distance_m, units.distance, prefill.distance_m);
    body = openBody({ ...values, lane: Number(values.lane), distance_m: metres }, prefill, values.since ? unclaimed?.unclaimed_since : null);
    await change("POST", "session/open", { body });
    return Number(values.lane);
  }, { check: (values) => openFaults(values, prefill), place: (path) => openPlace(body)(path) });
  dialog.form.addEventListener("input", ({ target }) => {
    const own = dialog.form.elements.own_faces;
    if (target === own) hasChosen = true;
    else if (!hasChosen && target.name.startsWith("archer_") && dialog.values.face !== AS_BEFORE && isShared(dialog.values, prefill)) own.checked = true;
  });
  dialog.form.addEventListener("change", async ({ target }) => {
    if (target.name !== "lane" || !target.validity.valid) return;
    const found = await loaded(texts.open.title, () => proposal(target.value));
    if (!found || Number(dialog.values.lane) !== found.lane) return;
    const typed = dialog.values;
    const { values } = mergedValues({ ...typed, lane: found.lane }, initial, shownValues(found));
    [prefill, initial] = [found, shownValues(found)];
    dialog.fields.replaceChildren(...fieldsOf(prefill, { ...values, lane: found.lane }, lane.range.lanes));
    dialog.form.elements.lane.focus();
  });
  const opened = await dialog.open();
  if (opened !== null) lane.show(opened);
}

/** The values of the form, with the distance in the unit of the reader. */
function shownValues(prefill) {
  const values = openValues(prefill);
  return { ...values, distance_m: inUnit(values.distance_m, units.distance) };
}

async function proposal(lane) {
  return (await read("session/prefill", { lane })).data;
}

function fieldsOf(prefill, values, lanes) {
  const { open } = texts;
  const faces = prefill.face_codes.map((one) => [codeOf(one), faceName(codeOf(one))]);
  if (values.face === AS_BEFORE) faces.unshift([AS_BEFORE, open.asBefore(prefill.faces.map((text) => faceName(text.split("@")[0])).join(", "))]);
  const known = [...new Set([...lanes.map((one) => one.lane), values.lane])].sort((a, b) => a - b);
  const { unclaimed, unclaimed_since: since } = lanes.find((one) => one.lane === values.lane) ?? {};
  return [
    ...(unclaimed ? [checkField("since", open.since(unclaimed, clock(since)), { value: true, wide: true })] : []),
    known.length > 1 ? selectField("lane", open.lane, known.map((one) => [one, String(one)]), { value: values.lane })
      : numberField("lane", open.lane, { value: values.lane, lowest: 1, step: 1, required: true }),
    numberField("distance_m", open.distance(texts.units[units.distance]), { value: values.distance_m, lowest: 1, highest: 300, required: true, known: DISTANCES[units.distance] }),
    selectField("face", open.face, faces, { value: values.face, required: true }),
    numberField("arrows_per_end", open.arrowsPerEnd, { value: values.arrows_per_end, lowest: 1, highest: 24, step: 1, required: true }),
    textField("location", open.location, { value: values.location, required: true, most: LONGEST_TEXT, spellcheck: true }),
    checkField("is_indoor", open.indoor, { value: values.is_indoor }),
    archers(prefill, values),
    folded(open.more,
      numberField("sighter_ends", open.sighterEnds, { value: values.sighter_ends, lowest: 0, highest: 100, step: 1, required: true }),
      selectField("rules", open.rules, prefill.rule_sets.map((one) => [codeOf(one), open.ruleSets[codeOf(one)] ?? codeOf(one)]), { value: values.rules }),
      ...(prefill.bows.length ? LETTERS.map((letter) => selectField(`bow_${letter}`, open.bow(letter),
        [["", open.noBow], ...prefill.bows.map((one) => [one.id ?? one, one.id ?? one])], { value: values[`bow_${letter}`] })) : [])),
  ];
}

function archers(prefill, values) {
  const { open } = texts;
  const names = prefill.archers.map((one) => one.name ?? one);
  return element("fieldset", { class: "wide archers" }, element("legend", {}, open.archers), element("p", { class: "hint" }, open.archersHint),
    element("div", { class: "fields" }, ...LETTERS.map((letter) =>
      textField(`archer_${letter}`, open.slot(letter), { value: values[`archer_${letter}`], most: LONGEST_NAME, known: names }))),
    checkField("own_faces", open.ownFaces, { value: values.own_faces, wide: true }));
}

/** Lists of the hub hold codes, or objects that have one. */
function codeOf(one) {
  return one.code ?? one;
}
