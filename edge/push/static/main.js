// The live page: a snapshot of one lane, then every event since, in order and each one once.
import { get, Refused } from "./api.js";
import { Devices } from "./devices.js";
import { showEnds } from "./ends.js";
import { Face } from "./face.js";
import { Range } from "./range.js";
import { showScore } from "./score.js";
import { counts, spoken } from "./scoring.js";
import { ShotList } from "./shots.js";
import { Stream } from "./stream.js";
import { clock, element, place } from "./words.js";

const AGAIN_MS = 2000;
const DEVICES_MS = 5000;

const by = (id) => document.getElementById(id);
const face = new Face(by("face"), select);
const list = new ShotList(by("shots"), select);
const devices = new Devices(by("devices"));
const stream = new Stream(onEvent, onState);
let range = null;
let selected = null;
let lastHeard = null;
let loading = 0;

async function load(lane) {
  const mine = ++loading;
  stream.close();
  try {
    const snapshot = await get("live", { lane });
    if (mine !== loading) return;
    range = new Range(snapshot);
    devices.replace(snapshot.devices);
    face.build(snapshot.target, snapshot.faces, snapshot.target?.distance);
    frame();
    draw();
    stream.open(snapshot.lane, snapshot.as_of);
  } catch (error) {
    if (mine !== loading) return;
    onState("offline", error instanceof Refused ? `The hub says: ${error.message}` : "The hub does not answer.");
    setTimeout(() => { if (mine === loading) load(lane); }, AGAIN_MS);
  }
}

function onEvent(type, data) {
  lastHeard = new Date();
  if (type === "gap" || type === "session.opened" || (type === "session.closed" && data.id === range.session?.id)) {
    load(range.lane);
  } else if (type.startsWith("shot.")) {
    const told = range.take(data);
    if (!told) return;
    if (!range.target) return void load(range.lane); // it may have got one since
    draw();
    if (told.isNew) face.freshen(data.id);
    announce(told);
  } else if (type === "device.status") {
    devices.take(data);
  }
}

function onState(state, reason) {
  if (state === "live") lastHeard = new Date();
  by("connection").dataset.state = state;
  by("connection").textContent = state === "live" ? "live" : "not connected";
  const banner = by("offline");
  banner.hidden = state === "live";
  const seen = lastHeard ? ` What you see is from ${clock(lastHeard)}.` : "";
  const text = `${reason}${seen} Trying again.`;
  if (state !== "live" && banner.dataset.reason !== reason) {
    banner.replaceChildren("NOT CONNECTED", element("small", {}, text));
  }
  banner.dataset.reason = state === "live" ? "" : reason;
}

function frame() {
  const { session, target, lane, lanes } = range;
  by("title").textContent = `Lane ${lane}`;
  const about = session
    ? [target && `${Number(target.distance)} m`, session.is_indoor ? "indoors" : "outdoors", range.faces.map((one) => one.code.replaceAll("_", " ").replace(/^wa /, "WA ")).join(" + "),
      session.location, !session.is_opened && "session closed"]
    : ["no session yet"];
  by("subtitle").textContent = about.filter(Boolean).join(" · ");
  document.title = `Lane ${lane} – Arch-Stats live`;
  by("face-empty").hidden = Boolean(target);
  by("face-empty").textContent = session ? "This session has no target." : "No session is open on this lane. Shots appear here as soon as one is opened.";
  by("lanes").hidden = lanes.length < 2;
  by("lanes").replaceChildren(...lanes.map((one) => laneLink(one.lane, one.lane === lane)));
  showSources(range.sources);
}

function laneLink(lane, isCurrent) {
  const link = element("a", { href: `?lane=${lane}`, "aria-current": isCurrent && "page" }, `Lane ${lane}`);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", link.href);
    selected = null;
    load(lane);
  });
  return link;
}

function showSources(sources) {
  const unreal = sources.filter((source) => source !== "hardware");
  by("simulated").hidden = !unreal.length;
  by("simulated").textContent = unreal.includes("replay") ? "REPLAY: these are recorded shots." : "SIMULATED DATA: no real arrow was shot.";
}

function draw() {
  const shots = range.shots;
  const last = shots.filter(counts).at(-1);
  const currentEnd = last?.end ?? null;
  face.show(shots, last?.id, currentEnd, selected);
  list.show(shots, last?.id, selected);
  showEnds(by("ends"), shots, range.session?.arrows_per_end ?? 6);
  showScore(shots, last, Math.max(0, ...range.faces.map((one) => one.points[0])));
}

function select(id) {
  if (selected === id) return;
  selected = id;
  draw();
}

function announce({ shot, isLate, before }) {
  if (shot.result === "pending" || shot.result === "void") return;
  const [told] = range.shots.filter((one) => one.id === shot.id);
  const sum = by("total").textContent;
  by("announcer").textContent = isLate
    ? `Correction: shot ${place(told)} is now ${spoken(told)}, was ${before}. Total ${sum}.`
    : `Shot ${place(told)}: ${spoken(told)}. Total ${sum}.`;
}

async function refreshDevices() {
  if (!range || document.hidden) return;
  try {
    const lane = range.lane;
    const [found, lanes] = await Promise.all([get("device", { lane }), get("lanes")]);
    if (lane !== range.lane) return;
    devices.replace(found);
    const before = range.lanes.map((one) => one.lane).join();
    range.lanes = lanes;
    range.sources = [...new Set([...range.sources, ...found.map((one) => one.source).filter(Boolean)])];
    showSources(range.sources);
    if (before !== lanes.map((one) => one.lane).join()) frame();
  } catch (error) {
    if (!(error instanceof Refused)) stream.suspect("The hub does not answer.");
  }
}

setInterval(refreshDevices, DEVICES_MS);
load(new URLSearchParams(location.search).get("lane"));
