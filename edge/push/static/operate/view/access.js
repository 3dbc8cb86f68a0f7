// The questions before a change: the operator's name, once, and the token, when the hub wants it.
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { isToken, operator } from "../access.js";
import { FormDialog } from "./dialog.js";
import { textField } from "./fields.js";

/** Longest name that the hub takes. */
const LONGEST_NAME = 100;

let asking = null;

/** Ask for the operator's name. Resolves with whether there is one. */
export async function askName() {
  const { access } = texts;
  const field = textField("name", access.name, { required: true, most: LONGEST_NAME, value: operator.name, wide: true, autofocus: true });
  field.querySelector("input").setAttribute("pattern", ".*\\S.*");
  const dialog = new FormDialog(access.nameTitle, [element("p", { class: "wide" }, access.nameIntro), field], access.nameSubmit,
    async ({ name }) => { operator.name = name; return true; }, { kind: "small" });
  await dialog.open();
  return Boolean(operator.name);
}

/** Ask for the operator token, once for all requests that wait for it. Resolves with whether one was entered. */
export function askToken(wasWrong) {
  asking ??= enterToken(wasWrong).finally(() => { asking = null; });
  return asking;
}

async function enterToken(wasWrong) {
  const { access } = texts;
  const field = textField("token", access.token, { required: true, most: 500, type: "password", wide: true, autofocus: true });
  const dialog = new FormDialog(access.tokenTitle, [element("p", { class: "wide" }, access.tokenIntro), field], access.tokenSubmit,
    async ({ token }) => { operator.token = token; return true; }, {
      kind: "small", check: ({ token }) => (isToken(token) ? {} : { token: access.tokenSigns }),
    });
  const closed = dialog.open();
  if (wasWrong) dialog.showFaults({ fields: { token: access.tokenWrong }, general: [] });
  return Boolean(await closed);
}
