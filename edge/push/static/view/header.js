// What stands above: lane and session, whether anything is heard, and whether the shots are real.
import { element } from "./dom.js";
import { clock } from "./words.js";

const by = (id) => document.getElementById(id);

export function showHeader({ session, target, lane, faces }) {
  by("title").textContent = `Lane ${lane}`;
  document.title = `Lane ${lane} – Arch-Stats live`;
  const codes = [...new Set(faces.map((face) => face.code))].map((code) => code.replaceAll("_", " ").replace(/^wa /, "WA "));
  const state = session && (session.is_opened ? session.closing_time && "closing …" : "session closed");
  const about = session
    ? [target && `${Number(target.distance)} m`, session.is_indoor ? "indoors" : "outdoors", codes.join(" + "), session.location, state]
    : ["no session yet"];
  by("subtitle").textContent = about.filter(Boolean).join(" · ");
  by("face-empty").hidden = Boolean(target);
  by("face-empty").textContent = session ? "This session has no target." : "No session is open on this lane. Shots appear here as soon as one is opened.";
}

export function showSources(sources) {
  const unreal = sources.filter((source) => source !== "hardware");
  by("simulated").hidden = !unreal.length;
  by("simulated").textContent = unreal.includes("replay") ? "REPLAY: these are recorded shots." : "SIMULATED DATA: no real arrow was shot.";
}

/** state: "live" or "offline" with the reason; lastHeard: how old is what the page shows. */
export function showConnection(state, reason, lastHeard) {
  by("connection").dataset.state = state;
  by("connection").textContent = state === "live" ? "live" : "not connected";
  const banner = by("offline");
  banner.hidden = state === "live";
  // Said once, not at each attempt: whoever listens heard it already.
  if (state !== "live" && banner.dataset.reason !== reason) {
    const seen = lastHeard ? ` What you see is from ${clock(lastHeard)}.` : "";
    banner.replaceChildren("NOT CONNECTED", element("small", {}, `${reason}${seen} Trying again.`));
  }
  banner.dataset.reason = state === "live" ? "" : reason;
}
