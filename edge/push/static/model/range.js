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
    for (const orphan of snapshot.orphans) this.takeOrphan(orphan);
  }

  /** Take in what an event tells of a shot. Gives what became of it, or null when nothing did: an event may come twice. */
  take(shot) {
    const known = this.#shots.get(shot.id);
    if (shot.session_id !== this.session?.id || (known && known.revision >= shot.revision)) return null;
    this.#shots.set(shot.id, shot);
    const isLate = known !== undefined && known.result !== "pending" && call(known) !== call(shot);
    return { shot, isNew: known === undefined, isLate, before: known && call(known) };
  }

  /** A landing that no shot explains, or that was sorted out. Gives whether one waits now that did not before. */
  takeOrphan(orphan) {
    const known = this.#orphans.has(orphan.id);
    if (orphan.session_id !== this.session?.id || orphan.status !== "open") {
      this.#orphans.delete(orphan.id);
      return false;
    }
    this.#orphans.set(orphan.id, orphan);
    return !known;
  }

  /** Landings that wait for a person. */
  get orphans() {
    return [...this.#orphans.values()];
  }

  /**
   * Shots in the order they were shot, with their ends. previous_value: the value that was told before, null when none or the same;
   * recent: corrected a moment ago. What no longer results from the readings is gone.
   */
  shots(at) {
    const kept = [...this.#shots.values()].filter((shot) => !(shot.result === "void" && shot.flags.includes("superseded")));
    return inOrder(kept, this.session?.sighter_ends ?? 0).map((shot) => {
      const was = shot.previous_value && call(shot.previous_value) !== call(shot) ? call(shot.previous_value) : null;
      return { ...shot, previous_value: was, recent: was !== null && at + this.ahead - Date.parse(shot.corrected_at) < RECENT_MS };
    });
  }
}
