// The command that programs a tag: requested, followed to its end, with its steps for a person.
import { CommandState } from "../../model/vocabulary.js";
import { texts } from "../../texts/operate/index.js";
import { Refusal } from "../failures.js";
import { hasEnded, progressText } from "../model/arrow.js";
import { change, read } from "../send.js";

/** Time from one look at a running command to the next. Its events name the lane of the scanner, which may be another one. */
const LOOK_MS = 300;

/** Program a tag; onStep(text, part) with each step, part from 0 to 1 or null. Raises the failures of send.js. */
export async function programTag(arrow, body, onStep) {
  onStep(texts.arrow.waiting, null);
  let { data: command } = await change("POST", `arrow/${arrow.id}/program`, { body });
  while (!hasEnded(command)) {
    onStep(progressText(command), command.total ? command.done / command.total : null);
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    ({ data: command } = await read(`command/${command.id}`));
  }
  if (command.state === CommandState.DONE) return;
  const message = [texts.arrow.ended[command.state], command.error, command.hint].filter(Boolean).join(" ");
  throw new Refusal(409, { errors: [{ code: command.state, message }] });
}
