// One lane, live: a snapshot, then every event since, in order and each one once.
import { Figures } from "../figures.js";
import { get, HubError, reasonOf, Stream } from "../hub.js";
import { sumsOf } from "../model/ends.js";
import { place, whole } from "../model/format.js";
import { Range } from "../model/range.js";
import { counts, lastOf, spoken } from "../model/score.js";
import { EventType, Result, StreamEvent } from "../model/vocabulary.js";
import { offerControls } from "../operate/index.js";
import { texts } from "../texts/index.js";
import { showArrows } from "./arrows.js";
import { Devices } from "./devices.js";
import { advise, byId } from "./dom.js";
import { showEnds } from "./ends.js";
import { Face } from "./face.js";
import { clearGroup, showGroup } from "./group.js";
import { Lanes, showConnection, showHeader, showSources } from "./header.js";
import { clearTotals, showLast, showTotals } from "./score.js";
import { offerSettings } from "./settings.js";
import { ShotList } from "./shots.js";
import { showWhy } from "./why.js";

const RETRY_MS = 2000;
const DEVICES_MS = 5000;
const FADE_MS = 5000;
/** Shots that wait for the new total to be spoken with it; of more, the newest. */
const UNSAID = 12;

const face = new Face(byId("face"), select, byId("zoom"));
const list = new ShotList(byId("shots"), select);
const devices = new Devices(byId("devices"));
const lanes = new Lanes(byId("lanes"), (lane) => { selected = null; load(lane); });
const stream = new Stream(onEvent, onState);
const figures = new Figures("statistics", onFigures);
let range = null;
let selected = null;
let isPinned = false;
let lastHeard = null;
let statistics = null;
let shownFor = null;
let unsaid = new Map();
let loading = 0;
const controls = offerControls({
  get range() { return range; },
  shots: () => range.shots(performance.now()),
  selected: () => { const shots = range.shots(performance.now()); return shots.find((shot) => shot.id === selected) ?? lastOf(shots); },
  points: () => current()?.totals.points ?? null,
  select,
  show: (lane) => (lane === range.lane ? load(lane) : lanes.choose(lane)),
  reload: () => load(range.lane),
});

async function load(lane) {
  const mine = ++loading;
  stream.close();
  let snapshot;
  try {
    snapshot = await get("live", { lane });
  } catch (error) {
    if (mine !== loading) return;
    onState("offline", reasonOf(error));
    setTimeout(() => { if (mine === loading) load(lane); }, RETRY_MS);
    return;
  }
  if (mine !== loading) return;
  range = new Range(snapshot, performance.now());
  devices.replace(snapshot.devices);
  face.build(snapshot.target, snapshot.faces, snapshot.target?.distance);
  frame();
  draw();
  figures.open({ lane: snapshot.lane }); // after the snapshot, so that they know all of its shots
  stream.open(snapshot.lane, snapshot.as_of);
}

function onEvent(type, data) {
  lastHeard = new Date();
  controls.onEvent(type, data);
  if (type === StreamEvent.GAP || type === EventType.SESSION_OPENED || (type.startsWith("session.") && data.id === range.session?.id)) {
    load(range.lane);
  } else if (type.startsWith("shot.")) {
    const change = range.take(data);
    if (!change) return;
    if (!range.target) return void load(range.lane); // the session may have got a target since
    draw();
    if (change.isNew) face.freshen(data.id);
    unsaid.set(data.id, change);
    if (unsaid.size > UNSAID) unsaid.delete(unsaid.keys().next().value);
    figures.change();
  } else if (type === EventType.READING_ORPHAN) {
    if (range.takeOrphan(data)) say(texts.lane.orphan);
    draw();
  } else if (type === EventType.DEVICE_STATUS) {
    devices.take(data);
    showClocks();
  }
}

/** Show the hub's statistics, and speak the changes that they include. */
function onFigures(data, isCurrent) {
  statistics = data;
  if (!current()) return; // of a session whose event is on its way
  draw();
  if (!isCurrent) return;
  const changes = [...unsaid.values()];
  unsaid = new Map();
  say(changes.map(announcement).filter(Boolean).join(" "));
}

/** The statistics of the shown session, null while there are none. */
function current() {
  return statistics && statistics.session_id === (range.session?.id ?? null) ? statistics : null;
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
  const { orphans, session } = range;
  const shots = range.shots(performance.now());
  const last = lastOf(shots);
  const archer = (letter) => range.archer(letter);
  const found = current();
  face.show(shots, { last: last?.id, end: last?.end ?? null, selected }, found?.group, orphans);
  list.show(shots, last?.id, selected);
  showEnds(byId("ends"), shots, found, session?.arrows_per_end ?? 6, archer, last);
  showLast(shots, session?.arrows_per_end ?? 0);
  if (found) {
    showTotals(found, shots, range.slots);
    showGroup(byId("group-panel"), found, archer);
    showArrows(byId("arrows-panel"), found, shots);
    shownFor = found.session_id;
  } else if (shownFor !== (session?.id ?? null)) {
    clearTotals();
    clearGroup(byId("group-panel"));
    byId("arrows-panel").hidden = true;
  }
  const explained = shots.find((shot) => shot.id === selected) ?? last;
  showWhy(byId("why-panel"), explained, explained && range.facesOf(explained));
  showOrphans(orphans.length);
  showClocks();
  controls.draw();
}

function showClocks() {
  byId("clocks").hidden = !devices.clocksOff;
}

function showLanes() {
  lanes.show(range.lanes, range.lane);
  const { unclaimed, open_command: command } = range.lanes.find((one) => one.lane === range.lane) ?? {};
  const replaceWords = /METRES|FACE/.test(command) ? texts.lane.replaceWords : "";
  advise(byId("unclaimed"), unclaimed ? texts.lane.unclaimed(unclaimed) : "", replaceWords, command);
}

function showOrphans(count) {
  advise(byId("orphans"), count ? texts.lane.orphans(count) : "", texts.lane.listOrphans, range.orphansCommand);
}

function select(id) {
  isPinned = false;
  if (selected === id) return;
  selected = id;
  draw();
}

/** Keep the explained shot while a hand is at its buttons, so that a new one does not take its place under the finger. */
function hold({ target }) {
  const isInside = target.closest?.("#why-panel, dialog");
  if (isInside && selected === null && range) {
    selected = lastOf(range.shots(performance.now()))?.id ?? null;
    isPinned = selected !== null;
  } else if (!isInside && isPinned) {
    selected = null;
    isPinned = false;
  }
}

/** The text of a changed shot, with the total of its archer that it led to; "" for an arrow in flight. */
function announcement({ shot, isLate, before }) {
  const shown = range.shots(performance.now()).find((one) => one.id === shot.id);
  const sum = whole(sumsOf(statistics, shown)?.totals.points);
  if (!shown || !counts(shot)) return isLate ? texts.lane.voided(before, sum) : "";
  if (shot.result === Result.PENDING) return "";
  return isLate ? texts.lane.corrected(place(shown), spoken(shown), before, sum) : texts.lane.shot(place(shown), spoken(shown), sum);
}

/** Put a text where a screen reader speaks it. */
function say(text) {
  if (text) byId("announcer").textContent = text;
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
    if (!(error instanceof HubError)) stream.suspect(texts.hub.noAnswer);
  }
}

/** Remove the highlight of older corrections, also while no event arrives. */
function fade() {
  if (range && !document.hidden && document.querySelector(".recent")) draw();
}

setInterval(refreshDevices, DEVICES_MS);
for (const type of ["pointerdown", "focusin"]) document.addEventListener(type, hold);
setInterval(fade, FADE_MS);
document.addEventListener("visibilitychange", refreshDevices);
offerSettings(byId("settings"));
load(Lanes.requested());
