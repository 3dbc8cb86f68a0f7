// The connection to the hub: its answers, and its stream of events. Addresses are relative, so that a path prefix works.
import { EventType, FeedState, StreamEvent } from "./model/vocabulary.js";
import { texts } from "./texts/index.js";

const DEADLINE_MS = 5000;
/** Longest silence of the stream; the hub sends a heartbeat every 30 s. */
const SILENCE_MS = 45_000;
const RETRY_MS = 2000;

/** An error that the hub itself reports: it answers, and cannot serve the request now. */
export class HubError extends Error {}

export async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null));
  const response = await fetch(`api/v0/${path}?${query}`, { signal: AbortSignal.timeout(DEADLINE_MS), cache: "no-store" });
  const envelope = await response.json();
  if (envelope.errors.length) throw new HubError(envelope.errors[0].message);
  return envelope.data;
}

/** The reason of a failed request, for the page's banner. */
export function reasonOf(error) {
  return error instanceof HubError ? texts.hub.error(error.message) : texts.hub.noAnswer;
}

/** The stream of a lane, of all lanes when null. */
function eventsAddress(lane, since) {
  return `api/v0/events?${new URLSearchParams(lane === null ? { since } : { lane, since })}`;
}

/** The stream of events: resumes by id, and reports when it is silent. */
export class Stream {
  #source = null;
  #lane = null;
  #last = null;
  #silence = 0;
  #retry = 0;

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
    this.#source.onerror = () => this.#onError();
    for (const type of [...Object.values(EventType), ...Object.values(StreamEvent)]) {
      this.#source.addEventListener(type, (message) => this.#onMessage(type, message));
    }
    this.#expect();
  }

  close() {
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  /** Report the hub as unreachable, and reopen a stream that may hang without an error. */
  suspect(reason) {
    this.onState("offline", reason);
    if (this.#source?.readyState === EventSource.OPEN) this.open(this.#lane, this.#last);
  }

  #onMessage(type, message) {
    this.#expect();
    if (message.lastEventId) this.#last = message.lastEventId;
    const envelope = JSON.parse(message.data);
    if (type === StreamEvent.HEARTBEAT) {
      if (envelope.data.feed === FeedState.LIVE) this.onState("live", "");
      else this.onState("offline", texts.hub.noDatabase);
    } else {
      this.onEvent(type, envelope.data, envelope.ts);
    }
  }

  #onError() {
    this.onState("offline", texts.hub.noAnswer);
    // A browser reconnects unless the answer was no stream at all.
    if (this.#source?.readyState === EventSource.CLOSED) {
      this.#retry = setTimeout(() => this.open(this.#lane, this.#last), RETRY_MS);
    }
  }

  #expect() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.suspect(texts.hub.silence(SILENCE_MS / 1000)), SILENCE_MS);
  }
}
