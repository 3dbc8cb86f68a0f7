// Entry of the controls: the button "Operate", and the bar once it is wanted.
import { hasControls } from "../preferences.js";
import { byId } from "../view/dom.js";
import { broughtToken, operator } from "./access.js";

let bar = null;
let loading = null;

/**
 * Offer the controls of a lane: { range, shots(), selected(), points(), select(id), show(lane), reload() }. Returns draw(), for each
 * change of the lane, and onEvent(type). The controls are loaded when an operator wants them: an audience never needs them.
 */
export function offerControls(lane) {
  const button = byId("operate");
  const isWanted = broughtToken() || operator.isShown;
  button.hidden = !hasControls();
  if (!button.hidden) {
    button.addEventListener("click", () => (bar ? leave() : enter(lane)));
    if (isWanted) enter(lane);
  }
  return { draw: () => bar?.draw(), onEvent: (type) => bar?.onEvent(type) };
}

async function enter(lane) {
  const loaded = (loading ??= import("./view/bar.js"));
  let modules;
  try {
    modules = await loaded;
  } catch (failure) {
    loading = null; // the hub was away: the next click tries again
    throw failure;
  }
  if (bar || !(await modules.named())) return;
  operator.isShown = true;
  byId("operate").setAttribute("aria-pressed", "true");
  bar = new modules.Bar(lane, leave);
}

function leave() {
  operator.isShown = false;
  bar?.remove();
  bar = null;
  byId("operate").setAttribute("aria-pressed", "false");
  byId("operate").focus();
}
