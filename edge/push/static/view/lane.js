// The live page: a snapshot of one lane, then every event since, in order and each one once.
import { get, Refused } from "./api.js";
import { showArrows } from "./arrows-table.js";
import { Devices } from "./devices.js";
import { showEnds } from "./ends-table.js";
import { Face } from "./face.js";
import { group, located } from "./group.js";
import { showGroup } from "./group-panel.js";
import { showConnection, showHeader, showSources } from "./header.js";
import { Lanes } from "./lanes.js";
import { Range } from "./range.js";
import { showScore } from "./score.js";
import { counts, spoken } from "./scoring.js";
import { ShotList } from "./shots.js";
import { Stream } from "./stream.js";
import { showWhy } from "./why-panel.js";
import { place } from "./words.js";

const AGAIN_MS = 2000;
const DEVICES_MS = 5000;
const FADE_MS = 5000;

const by = (id) => document.getElementById(id);
const face = new Face(by("face"), select);
const list = new ShotList(by("shots"), select);
const devices = new Devices(by("devices"));
const lanes = new Lanes(by("lanes"), (lane) => { selected = null; load(lane); });
const stream = new Stream(onEvent, onState);
let range = null;
let selected = null;
let lastHeard = null;
let loading = 0;

async function load(lane) {
  const mine = ++loading;
  stream.close();
  let snapshot;
  try {
    snapshot = await get("live", { lane });
  } catch (error) {
    if (mine !== loading) return;
    onState("offline", error instanceof Refused ? `The hub says: ${error.message}` : "The hub does not answer.");
    setTimeout(() => { if (mine === loading) load(lane); }, AGAIN_MS);
    return;
  }
  if (mine !== loading) return;
  range = new Range(snapshot, performance.now());
  devices.replace(snapshot.devices);
  face.build(snapshot.target, snapshot.faces, snapshot.target?.distance);
  frame();
  draw();
  stream.open(snapshot.lane, snapshot.as_of);
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
  } else if (type === "reading.orphan") {
    if (range.takeOrphan(data)) say("A landing that no shot explains: it is in no total.");
    draw();
  } else if (type === "device.status") {
    devices.take(data);
    showClocks();
  }
}

function onState(state, reason) {
  if (state === "live") lastHeard = new Date();
  showConnection(state, reason, lastHeard);
}

function frame() {
  showHeader(range);
  showLanes();
  showSources(range.sources);
}

function draw() {
  const { faces, orphans, session, target } = range;
  const shots = range.shots(performance.now());
  const last = shots.filter(counts).at(-1);
  const found = group(located(shots, faces));
  face.show(shots, { last: last?.id, end: last?.end ?? null, selected }, found, orphans);
  list.show(shots, last?.id, selected);
  showEnds(by("ends"), shots, session?.arrows_per_end ?? 6);
  showScore(shots, last, Math.max(0, ...faces.map((one) => one.points[0])));
  showGroup(by("group-panel"), found, Number(target?.distance));
  showArrows(by("arrows-panel"), shots, faces);
  showWhy(by("why-panel"), shots.find((shot) => shot.id === selected) ?? last, faces);
  showOrphans(orphans.length);
  showClocks();
}

function showClocks() {
  by("clocks").hidden = !devices.clocksOff;
}

function showLanes() {
  lanes.show(range.lanes, range.lane);
  const { unclaimed, unclaimed_since: since } = range.lanes.find((one) => one.lane === range.lane) ?? {};
  by("unclaimed").hidden = !unclaimed;
  by("unclaimed").textContent = unclaimed
    ? `${unclaimed} arrow${unclaimed === 1 ? "" : "s"} shot while no session is open, in no total: archstats-sensor session open --lane ${range.lane} --since ${since}`
    : "";
}

function showOrphans(count) {
  by("orphans").hidden = !count;
  by("orphans").textContent = `${count} landing${count === 1 ? "" : "s"} to sort out (grey), in no total: archstats-sensor orphan list`;
}

function select(id) {
  if (selected === id) return;
  selected = id;
  draw();
}

function announce({ shot, isLate, before }) {
  const told = range.shots(performance.now()).find((one) => one.id === shot.id);
  const sum = `Total ${by("total").textContent}.`;
  if (!told || !counts(shot)) {
    if (isLate) say(`Correction: a shot that was ${before} does not count. ${sum}`);
  } else if (shot.result !== "pending" && isLate) {
    say(`Correction: shot ${place(told)} is now ${spoken(told)}, was ${before}. ${sum}`);
  } else if (shot.result !== "pending") {
    say(`Shot ${place(told)}: ${spoken(told)}. ${sum}`);
  }
}

function say(text) {
  by("announcer").textContent = text;
}

async function refreshDevices() {
  if (!range || document.hidden) return;
  try {
    const lane = range.lane;
    const [found, known] = await Promise.all([get("device", { lane }), get("lanes")]);
    if (lane !== range.lane) return;
    devices.replace(found);
    showClocks();
    range.lanes = known;
    range.sources = [...new Set([...range.sources, ...found.map((one) => one.source).filter(Boolean)])];
    showSources(range.sources);
    showLanes();
  } catch (error) {
    if (!(error instanceof Refused)) stream.suspect("The hub does not answer.");
  }
}

/** What was corrected a moment ago stops being so while nothing else happens. */
function fade() {
  if (range && !document.hidden && document.querySelector(".recent")) draw();
}

setInterval(refreshDevices, DEVICES_MS);
setInterval(fade, FADE_MS);
document.addEventListener("visibilitychange", refreshDevices);
load(Lanes.asked());
