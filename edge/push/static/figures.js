// The statistics of a lane, or of all lanes, as the hub computes them: requested again when shots change, never more than one at a time.
import { get } from "./hub.js";

/** Time in which the changes of one moment arrive, as of an end that is corrected: one request serves them all. */
const TOGETHER_MS = 20;
/** Shortest time from one request to the next. */
const APART_MS = 250;
/** Time from a failed request to the next. The numbers on the page stay meanwhile; the stream shows that the hub is away. */
const RETRY_MS = 2000;

export class Figures {
  #parameters = {};
  #opened = 0;
  #timer = 0;
  #asking = false;
  #changed = false;
  #asked = -Infinity;

  /** onFigures(data, isCurrent) with each answer; isCurrent: nothing has changed since it was requested. */
  constructor(path, onFigures) {
    this.path = path;
    this.onFigures = onFigures;
  }

  /** Request the statistics at once, from now on with these parameters; the answer to an earlier request is dropped. */
  open(parameters) {
    this.#parameters = parameters;
    this.#opened++;
    this.#asking = false;
    this.#ask();
  }

  /** Request them again soon, because a shot has changed. */
  change() {
    this.#changed = true;
    if (!this.#asking) this.#wait(Math.max(TOGETHER_MS, this.#asked + APART_MS - performance.now()));
  }

  #wait(ms) {
    if (this.#timer) return;
    this.#timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#asking = true;
    this.#changed = false;
    this.#asked = performance.now();
    const opened = this.#opened;
    let data = null;
    try {
      data = await get(this.path, this.#parameters);
    } catch {
      // Tried again below, whatever the reason.
    }
    if (opened !== this.#opened) return;
    this.#asking = false;
    if (data === null) return this.#wait(RETRY_MS * (0.75 + Math.random() / 2));
    this.onFigures(data, !this.#changed);
    if (this.#changed) this.change();
  }
}
