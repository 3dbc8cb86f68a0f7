// What the page knows of one lane: a snapshot, and every event since. Pure: no element, no network.
import { call, DECIDED, inOrder } from "./scoring.js";

export class Range {
  #shots = new Map();
  #before = new Map();

  constructor(snapshot) {
    Object.assign(this, {
      lane: snapshot.lane, lanes: snapshot.lanes, session: snapshot.session, target: snapshot.target,
      faces: snapshot.faces, simulated: snapshot.simulated, sources: snapshot.sources,
    });
    for (const shot of snapshot.shots) this.#shots.set(shot.id, shot);
  }

  /** Take in what an event tells of a shot. Gives what became of it, or null when nothing did: an event may come twice. */
  take(shot) {
    const known = this.#shots.get(shot.id);
    if (shot.session_id !== this.session?.id || (known && known.revision >= shot.revision)) return null;
    this.#shots.set(shot.id, shot);
    const late = known !== undefined && DECIDED.has(known.result) && call(known) !== call(shot);
    if (late) this.#before.set(shot.id, call(known));
    return { shot, isNew: known === undefined, isLate: late, before: known && call(known) };
  }

  /** Shots in the order they were shot; a value that was corrected after it was told keeps the old one along. */
  get shots() {
    return inOrder(this.#shots.values()).map((shot) => ({ ...shot, was: this.#before.get(shot.id) ?? null }));
  }
}
