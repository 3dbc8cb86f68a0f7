// The lanes of a screen, live: their snapshots, then every event since, with the hub's statistics and the devices.
import { Figures } from "./figures.js";
import { get, HubError, reasonOf, Stream } from "./hub.js";
import { Range } from "./model/range.js";
import { EventType, StreamEvent } from "./model/vocabulary.js";
import { texts } from "./texts/index.js";

const RETRY_MS = 2000;
const DEVICES_MS = 5000;

export class Watch {
  /** State of each lane, by its number. */
  ranges = new Map();
  /** Of all lanes, also of those that are not watched. */
  lanes = [];
  devices = [];
  #statistics = new Map();
  #lastHeard = null;
  #loading = 0;

  /**
   * lane: the lane that is watched, null for the hub's choice, "all" for every lane. onLoad() when the lanes are known anew,
   * onLane(lane) when one has changed, onState("live" | "offline", reason, lastHeard).
   */
  constructor(lane, { onLoad, onLane, onState }) {
    this.isAll = lane === "all";
    this.lane = this.isAll ? null : lane;
    Object.assign(this, { onLoad, onLane, onState });
    this.stream = new Stream((type, data) => this.#onEvent(type, data), (state, reason) => this.#onState(state, reason));
    this.figures = new Figures(this.isAll ? "statistics/all" : "statistics", (data) => this.#onFigures(data));
    setInterval(() => this.#refreshDevices(), DEVICES_MS);
    document.addEventListener("visibilitychange", () => this.#refreshDevices());
    this.#load();
  }

  /** The hub's statistics of the session that a lane shows, undefined while there are none. */
  statistics(lane) {
    const found = this.#statistics.get(lane);
    return found?.session_id === (this.ranges.get(lane)?.session?.id ?? null) ? found : undefined;
  }

  /** Origins of the shots of all watched lanes, also of those that their devices are going to send. */
  get sources() {
    const ofDevices = this.devices.filter((one) => this.ranges.has(one.lane)).map((one) => one.source).filter(Boolean);
    return [...new Set([...[...this.ranges.values()].flatMap((range) => range.sources), ...ofDevices])];
  }

  async #load() {
    const mine = ++this.#loading;
    this.stream.close();
    let answer;
    try {
      answer = this.isAll ? await get("live/all") : await get("live", { lane: this.lane });
    } catch (error) {
      if (mine !== this.#loading) return;
      this.#onState("offline", reasonOf(error));
      setTimeout(() => { if (mine === this.#loading) this.#load(); }, RETRY_MS);
      return;
    }
    if (mine !== this.#loading) return;
    const at = performance.now();
    const found = this.isAll ? answer.ranges.map((one) => ({ ...answer, ...one })) : [answer];
    this.ranges = new Map(found.map((one) => [one.lane, new Range(one, at)]));
    this.devices = answer.devices;
    this.lanes = answer.lanes;
    const lane = this.isAll ? null : answer.lane;
    this.onLoad();
    this.figures.open(this.isAll ? {} : { lane }); // after the snapshots, so that they know all of their shots
    this.stream.open(lane, answer.as_of);
  }

  #onEvent(type, data) {
    this.#lastHeard = new Date();
    if (type === StreamEvent.GAP || type.startsWith("session.")) this.#load();
    else if (type === EventType.DEVICE_STATUS) this.#refreshDevices();
    else if (type.startsWith("shot.")) {
      if (!this.ranges.has(data.lane) || !this.ranges.get(data.lane).target) this.#load();
      else if (this.ranges.get(data.lane).take(data)) {
        this.onLane(data.lane);
        this.figures.change();
      }
    } else if (type === EventType.READING_ORPHAN && this.ranges.has(data.lane)) {
      this.ranges.get(data.lane).takeOrphan(data);
      this.onLane(data.lane);
    }
  }

  #onFigures(data) {
    this.#statistics = new Map((this.isAll ? data : [data]).map((one) => [one.lane, one]));
    for (const lane of this.ranges.keys()) this.onLane(lane);
  }

  #onState(state, reason) {
    if (state === "live") this.#lastHeard = new Date();
    this.onState(state, reason, this.#lastHeard);
  }

  async #refreshDevices() {
    if (document.hidden || !this.ranges.size) return;
    try {
      const [found, lanes] = await Promise.all([get("device", this.isAll ? {} : { lane: this.ranges.keys().next().value }), get("lanes")]);
      this.devices = found;
      if (this.isAll && lanes.some(({ lane }) => !this.ranges.has(lane))) this.#load();
      else this.ranges.forEach((_, lane) => this.onLane(lane));
    } catch (error) {
      if (!(error instanceof HubError)) this.stream.suspect(texts.hub.noAnswer);
    }
  }
}
