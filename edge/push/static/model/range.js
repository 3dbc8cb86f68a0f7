// The state of one lane: a snapshot, and every event since. Pure: no element, no network.
import { arrowNumbers } from "./arrows.js";
import { inOrder } from "./ends.js";
import { call } from "./score.js";
import { Flag, OrphanStatus, Result } from "./vocabulary.js";

/** Time for which a correction is highlighted; its old value stays. */
const RECENT_MS = 60_000;

export class Range {
  #shots = new Map();
  #orphans = new Map();

  /** at: the time when the snapshot arrived, in milliseconds of the clock that later calls use. */
  constructor(snapshot, at) {
    Object.assign(this, {
      lane: snapshot.lane, lanes: snapshot.lanes, session: snapshot.session, target: snapshot.target,
      faces: snapshot.faces, slots: snapshot.slots ?? [], simulated: snapshot.simulated, sources: snapshot.sources, orphansCommand: snapshot.orphans_command,
    });
    this.ahead = Date.parse(snapshot.now) - at;
    for (const shot of snapshot.shots) this.#shots.set(shot.id, shot);
    for (const orphan of snapshot.orphans) this.takeOrphan(orphan);
  }

  /** Apply the shot of an event. Returns the change, or null when there is none: an event may arrive twice. */
  take(shot) {
    const known = this.#shots.get(shot.id);
    if (shot.session_id !== this.session?.id || (known && known.revision >= shot.revision)) return null;
    this.#shots.set(shot.id, shot);
    const isLate = known !== undefined && known.result !== Result.PENDING && call(known) !== call(shot);
    return { shot, isNew: known === undefined, isLate, before: known && call(known) };
  }

  /** Apply a landing without a release, open or resolved. Returns whether a new one is open. */
  takeOrphan(orphan) {
    const known = this.#orphans.has(orphan.id);
    if (orphan.session_id !== this.session?.id || orphan.status !== OrphanStatus.OPEN) {
      this.#orphans.delete(orphan.id);
      return false;
    }
    this.#orphans.set(orphan.id, orphan);
    return !known;
  }

  /** The faces that the archer of a shot shoots at, and the one it scored on; all of them for an archer who is not known, and for a hit on another's face. */
  facesOf(shot) {
    const name = this.slots.find((slot) => slot.letter === shot.slot)?.face;
    const isAny = name === undefined || shot.flags.includes(Flag.WRONG_FACE);
    const own = isAny ? [] : this.faces.filter((face) => face.name === name || face.id === shot.face_id);
    return own.length ? own : this.faces;
  }

  /** The name of the archer of a slot, "" for one without a name. */
  archer(letter) {
    return this.slots.find((slot) => slot.letter === letter)?.archer ?? "";
  }

  /** Landings that an operator has not resolved. */
  get orphans() {
    return [...this.#orphans.values()];
  }

  /**
   * Shots in the order of their release, with their ends. previous_value: the text shown before a correction, null without one;
   * recent: corrected less than a minute ago. Shots that no longer result from the readings are left out.
   */
  shots(at) {
    const kept = [...this.#shots.values()].filter((shot) => !(shot.result === Result.VOID && shot.flags.includes(Flag.SUPERSEDED)));
    const ordered = inOrder(kept, this.session?.sighter_ends ?? 0);
    const numbers = arrowNumbers(ordered);
    return ordered.map((shot) => {
      const previous = shot.previous_value && call(shot.previous_value) !== call(shot) ? call(shot.previous_value) : null;
      return { ...shot, arrowNumber: numbers.get(shot.arrow_tag) ?? null, archer: this.archer(shot.slot), previous_value: previous, recent: previous !== null && at + this.ahead - Date.parse(shot.corrected_at) < RECENT_MS };
    });
  }
}
