// What the page knows of one lane: a snapshot, and every event since. Pure: no element, no network.
import { inOrder } from "./ends.js";
import { call } from "./scoring.js";

/** So long a correction is highlighted; its old value stays. */
const RECENT_MS = 60_000;

export class Range {
  #shots = new Map();
  #orphans = new Map();

  /** at: when the snapshot came, in milliseconds of the clock that later calls give. */
  constructor(snapshot, at) {
    Object.assign(this, {
      lane: snapshot.lane, lanes: snapshot.lanes, session: snapshot.session, target: snapshot.target,
      faces: snapshot.faces, simulated: snapshot.simulated, sources: snapshot.sources,
    });
    this.ahead = Date.parse(snapshot.now) - at;
    for (const shot of snapshot.shots) this.#shots.set(shot.id, shot);
    for (const orphan of snapshot.orphans ?? []) this.takeOrphan(orphan);
  }

  /** Take in what an event tells of a shot. Gives what became of it, or null when nothing did: an event may come twice. */
  take(shot) {
    const known = this.#shots.get(shot.id);
    if (shot.session_id !== this.session?.id || (known && known.revision >= shot.revision)) return null;
    this.#shots.set(shot.id, shot);
    const isLate = known !== undefined && known.result !== "pending" && call(known) !== call(shot);
    return { shot, isNew: known === undefined, isLate, before: known && call(known) };
  }

  /** A landing that belongs to no shot, or no longer does so. Gives whether it has a place to be shown. */
  takeOrphan(reading) {
    const x = reading.x ?? reading.x_mm ?? null;
    const y = reading.y ?? reading.y_mm ?? null;
    const id = reading.id ?? `${reading.device_id}/${reading.stream_id}/${reading.seq}`;
    const settled = Boolean(reading.resolution ?? reading.resolved_at ?? reading.voided_at ?? reading.shot_id);
    if (settled || x === null || y === null) return this.#orphans.delete(id);
    this.#orphans.set(id, { id, x, y, reading: `${reading.device_id}/${reading.stream_id}/${reading.seq}` });
    return true;
  }

  /** Landings that nobody's shot explains. */
  get orphans() {
    const used = new Set([...this.#shots.values()].filter((shot) => shot.landing_seq !== null && shot.result !== "void")
      .map((shot) => `${shot.landing_device_id}/${shot.landing_stream_id}/${shot.landing_seq}`));
    return [...this.#orphans.values()].filter((orphan) => !used.has(orphan.reading));
  }

  /**
   * Shots in the order they were shot, with their ends. was: the value that was told before, null when none or the same;
   * recent: corrected a moment ago. What no longer results from the readings is gone.
   */
  shots(at) {
    const kept = [...this.#shots.values()].filter((shot) => !(shot.result === "void" && shot.flags.includes("superseded")));
    return inOrder(kept, this.#rules()).map((shot) => {
      const was = shot.was && call(shot.was) !== call(shot) ? call(shot.was) : null;
      return { ...shot, was, recent: was !== null && at + this.ahead - Date.parse(shot.corrected_at) < RECENT_MS };
    });
  }

  #rules() {
    return { sighterEnds: this.session?.sighter_ends ?? 0, arrowsPerEnd: this.session?.arrows_per_end ?? 6, faces: this.faces.length };
  }
}
