// The request that programs a tag: the hub answers at its end, and meanwhile its command shows the steps.
import { texts } from "../../texts/operate/index.js";
import { Refusal, Unanswered } from "../failures.js";
import { progressText } from "../model/arrow.js";
import { change, read } from "../send.js";

/** Time from one look at the steps to the next. Their events name the lane of the scanner, which may be another one. */
const LOOK_MS = 300;
/** The hub waits for a tag, writes it and reads it back twice. */
const DEADLINE_MS = 120_000;

/** Program a tag; onStep(text, part) with each step, part from 0 to 1 or null. Raises the failures of send.js. */
export async function programTag(arrow, { scanner_id: scanner, lock }, onStep) {
  onStep(texts.arrow.waiting, null);
  const before = (await newest(scanner))?.id ?? 0;
  let isRunning = true;
  const answer = change("POST", `arrow/${arrow.id}/program`, { body: { scanner_id: scanner, lock }, deadlineMs: DEADLINE_MS })
    .finally(() => { isRunning = false; });
  while (isRunning) {
    await Promise.race([answer.catch(() => null), new Promise((resolve) => { setTimeout(resolve, LOOK_MS); })]);
    if (!isRunning) break;
    const command = await newest(scanner);
    if (command && command.id > before) onStep(progressText(command), command.total ? command.done / command.total : null);
  }
  return (await answer).data;
}

async function newest(scanner) {
  try {
    return (await read("command", { device_id: scanner, limit: 1 })).data[0] ?? null;
  } catch (failure) {
    if (failure instanceof Refusal || failure instanceof Unanswered) return null; // the steps are not vital
    throw failure;
  }
}
