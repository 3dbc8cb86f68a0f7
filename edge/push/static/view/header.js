// The top of the page: lane and session, the connection, the origin of the shots, and the choice of the lane.
import { clock, distance } from "../model/format.js";
import { Source } from "../model/vocabulary.js";
import { addressOf } from "../preferences.js";
import { texts } from "../texts/index.js";
import { byId, element } from "./dom.js";

export function showTitle(name, subtitle) {
  byId("title").textContent = name;
  byId("subtitle").textContent = subtitle;
  document.title = texts.header.title(name);
}

export function showHeader({ session, target, lane, faces, slots }) {
  const { header } = texts;
  const codes = [...new Set(faces.map((face) => face.code))].map((code) => code.replaceAll("_", " ").replace(/^wa /, "WA "));
  const state = session && (session.is_opened ? session.closing_time && header.closing : header.closed);
  const about = session
    ? [...slots.map((slot) => slot.archer), target && distance(Number(target.distance)), session.is_indoor ? header.indoors : header.outdoors, codes.join(" + "), session.location, state]
    : [header.noSessionYet];
  showTitle(header.lane(lane), about.filter(Boolean).join(" · "));
  byId("face-empty").hidden = Boolean(target);
  byId("face-empty").textContent = session ? header.noTarget : header.noSession;
}

export function showSources(sources) {
  const unreal = sources.filter((source) => source !== Source.HARDWARE);
  byId("simulated").hidden = !unreal.length;
  byId("simulated").textContent = unreal.includes(Source.REPLAY) ? texts.header.replay : texts.header.simulated;
}

/** state: "live" or "offline" with the reason; lastHeard: the time of the state that the page shows. */
export function showConnection(state, reason, lastHeard) {
  document.body.dataset.ready = ""; // the first state is drawn: from now on the page is seen, and stays in place
  byId("connection").dataset.state = state;
  byId("connection").textContent = state === "live" ? texts.header.live : texts.header.notConnected;
  const banner = byId("offline");
  banner.hidden = state === "live";
  // Written once and not at each attempt, because a screen reader speaks each change.
  if (state !== "live" && banner.dataset.reason !== reason) {
    const detail = texts.header.offlineDetail(reason, lastHeard && clock(lastHeard));
    banner.replaceChildren(texts.header.offline, element("small", {}, detail));
  }
  banner.dataset.reason = state === "live" ? "" : reason;
}

/** The choice of the lane. The address keeps it, so that it can be a bookmark or the start page of a wall screen. */
export class Lanes {
  /** The address's name of the overview. */
  static ALL = "all";

  #shown = null;

  /** onChoose(lane) when another lane is requested, also by the browser's back button; without it links are plain links. */
  constructor(nav, onChoose) {
    this.nav = nav;
    this.onChoose = onChoose;
    if (onChoose) addEventListener("popstate", () => onChoose(Lanes.requested()));
  }

  /** The lane that the address names, null when it names none. */
  static requested() {
    return new URLSearchParams(location.search).get("lane");
  }

  show(lanes, current) {
    this.nav.hidden = lanes.length < 2;
    // Links stay in the page while the lanes are the same, so that a focused link keeps its focus.
    if (this.#shown !== lanes.map((one) => one.lane).join()) {
      this.nav.replaceChildren(...lanes.map((one) => this.#link(one.lane)), element("a", { href: addressOf(Lanes.ALL) }, texts.header.all));
    }
    this.#shown = lanes.map((one) => one.lane).join();
    [...lanes, { lane: Lanes.ALL, session_id: null }].forEach((one, i) => {
      const link = this.nav.children[i];
      if (one.lane === current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      link.classList.toggle("busy", one.session_id !== null);
    });
  }

  #link(lane) {
    const link = element("a", { href: addressOf(lane) }, texts.header.lane(lane));
    link.addEventListener("click", (event) => {
      if (!this.onChoose || event.ctrlKey || event.metaKey || event.shiftKey) return; // the modifiers open a new tab or window
      event.preventDefault();
      this.choose(lane);
    });
    return link;
  }

  /** Show another lane, and keep it in the address. */
  choose(lane) {
    history.pushState(null, "", addressOf(lane));
    this.onChoose(lane);
  }
}
