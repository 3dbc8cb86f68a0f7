// All lanes at a glance, for the screen of who looks after the range: a card a lane, which leads to it.
import { get, Refused } from "./api.js";
import { element } from "./dom.js";
import { showConnection, showSources } from "./header.js";
import { fillCard } from "./lane-card.js";
import { Lanes } from "./lanes.js";
import { Range } from "./range.js";
import { Stream } from "./stream.js";

const AGAIN_MS = 2000;
const DEVICES_MS = 5000;

const by = (id) => document.getElementById(id);
const nav = new Lanes(by("lanes"), null);
const stream = new Stream(onEvent, onState);
const cards = new Map();
let ranges = new Map();
let devices = [];
let lastHeard = null;
let loading = 0;

async function load() {
  const mine = ++loading;
  stream.close();
  const found = new Map();
  let lanes, since;
  try {
    lanes = await get("lanes");
    // One after the other: the hub has others to answer. Whatever falls meanwhile comes with the stream, from the first on.
    for (const { lane } of lanes.length ? lanes : [{ lane: 1 }]) {
      const snapshot = await get("live", { lane });
      since ??= snapshot.as_of;
      found.set(lane, new Range(snapshot, performance.now()));
    }
    devices = await get("device");
  } catch (error) {
    if (mine !== loading) return;
    onState("offline", error instanceof Refused ? `The hub says: ${error.message}` : "The hub does not answer.");
    setTimeout(() => { if (mine === loading) load(); }, AGAIN_MS);
    return;
  }
  if (mine !== loading) return;
  ranges = found;
  build(lanes);
  stream.open(null, since);
}

function build(lanes) {
  nav.show(lanes, Lanes.ALL);
  by("title").textContent = "All lanes";
  by("subtitle").textContent = `${lanes.length} lane${lanes.length === 1 ? "" : "s"}`;
  document.title = "All lanes – Arch-Stats live";
  showSources([...new Set([...ranges.values()].flatMap((range) => range.sources))]);
  for (const [lane, card] of cards) {
    if (!ranges.has(lane)) { card.remove(); cards.delete(lane); }
  }
  for (const lane of ranges.keys()) {
    if (!cards.has(lane)) cards.set(lane, element("a", { class: "card", href: `?lane=${lane}` }));
    draw(lane);
  }
  by("overview").replaceChildren(...[...ranges.keys()].map((lane) => cards.get(lane)));
}

function draw(lane) {
  fillCard(cards.get(lane), ranges.get(lane), devices.filter((device) => device.lane === lane), performance.now());
}

function onEvent(type, data) {
  lastHeard = new Date();
  if (type === "gap" || type.startsWith("session.")) load();
  else if (type === "device.status") refreshDevices();
  else if (type.startsWith("shot.")) {
    if (!ranges.has(data.lane)) load();
    else if (ranges.get(data.lane).take(data)) draw(data.lane);
  } else if (type === "reading.orphan" && ranges.has(data.lane)) {
    ranges.get(data.lane).takeOrphan(data);
    draw(data.lane);
  }
}

function onState(state, reason) {
  if (state === "live") lastHeard = new Date();
  showConnection(state, reason, lastHeard);
}

async function refreshDevices() {
  if (document.hidden || !ranges.size) return;
  try {
    const [found, lanes] = await Promise.all([get("device"), get("lanes")]);
    devices = found;
    if (lanes.some(({ lane }) => !ranges.has(lane))) load();
    else ranges.forEach((_, lane) => draw(lane));
  } catch (error) {
    if (!(error instanceof Refused)) stream.suspect("The hub does not answer.");
  }
}

for (const column of document.querySelectorAll(".column")) column.hidden = true;
document.querySelector(".skip").hidden = true;
by("overview").hidden = false;
setInterval(refreshDevices, DEVICES_MS);
document.addEventListener("visibilitychange", refreshDevices);
load();
