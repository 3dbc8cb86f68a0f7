// The stream of events: resumes by id, and says when nothing can be heard.
import { eventsAddress } from "./api.js";

// The hub sends a heartbeat each 30 s.
const SILENCE_MS = 45_000;
const AGAIN_MS = 2000;
const TYPES = ["shot.created", "shot.updated", "shot.voided", "session.opened", "session.closed", "device.status",
  "arrow.programmed", "calibration.activated", "reading.orphan", "heartbeat", "gap"];

export class Stream {
  #source = null;
  #lane = null;
  #last = null;
  #silence = 0;
  #again = 0;

  /** onEvent(type, data, at); onState("live" | "offline", reason) */
  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
  }

  open(lane, since) {
    this.close();
    this.#lane = lane;
    this.#last = since;
    this.#source = new EventSource(eventsAddress(lane, since));
    this.#source.onerror = () => this.#lost();
    for (const type of TYPES) this.#source.addEventListener(type, (message) => this.#heard(type, message));
    this.#listen();
  }

  close() {
    clearTimeout(this.#silence);
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = null;
  }

  /** Somebody else found the hub unreachable: the stream may hang without knowing. Start it again where it was. */
  suspect(reason) {
    this.onState("offline", reason);
    if (this.#source?.readyState === EventSource.OPEN) this.open(this.#lane, this.#last);
  }

  #heard(type, message) {
    this.#listen();
    if (message.lastEventId) this.#last = message.lastEventId;
    const envelope = JSON.parse(message.data);
    if (type === "heartbeat") {
      if (envelope.data.feed === "live") this.onState("live", "");
      else this.onState("offline", "The hub does not reach its database.");
    } else {
      this.onEvent(type, envelope.data, envelope.ts);
    }
  }

  #lost() {
    this.onState("offline", "The hub does not answer.");
    // A browser comes back by itself unless the answer was no stream at all.
    if (this.#source?.readyState === EventSource.CLOSED) {
      this.#again = setTimeout(() => this.open(this.#lane, this.#last), AGAIN_MS);
    }
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.suspect("Nothing was heard from the hub for 45 seconds."), SILENCE_MS);
  }
}
