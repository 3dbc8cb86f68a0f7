// All lanes at a glance, for the screen of the range's staff: one card per lane, which links to it.
import { Figures } from "../figures.js";
import { get, HubError, reasonOf, Stream } from "../hub.js";
import { stateText } from "../model/devices.js";
import { short, whole } from "../model/format.js";
import { Range } from "../model/range.js";
import { call, counts, spoken } from "../model/score.js";
import { DeviceState, EventType, StreamEvent } from "../model/vocabulary.js";
import { texts } from "../texts/index.js";
import { byId, element, svg } from "./dom.js";
import { rings } from "./face.js";
import { Lanes, showConnection, showSources, showTitle } from "./header.js";

const RETRY_MS = 2000;
const DEVICES_MS = 5000;
/** Radius of a dot, as a part of the picture's size: visible from afar on a face of any size. */
const DOT = 0.022;

const nav = new Lanes(byId("lanes"), null);
const stream = new Stream(onEvent, onState);
const figures = new Figures("statistics/all", onFigures);
const cards = new Map();
let ranges = new Map();
let statistics = null;
let devices = [];
let lastHeard = null;
let loading = 0;

async function load() {
  const mine = ++loading;
  stream.close();
  let answer;
  try {
    answer = await get("live/all");
  } catch (error) {
    if (mine !== loading) return;
    onState("offline", reasonOf(error));
    setTimeout(() => { if (mine === loading) load(); }, RETRY_MS);
    return;
  }
  if (mine !== loading) return;
  const at = performance.now();
  ranges = new Map(answer.ranges.map((one) => [one.lane, new Range({ ...answer, ...one }, at)]));
  devices = answer.devices;
  build(answer.lanes);
  figures.open({}); // after the snapshots, so that they know all of their shots
  stream.open(null, answer.as_of);
}

function build(lanes) {
  nav.show(lanes, Lanes.ALL);
  showTitle(texts.header.allLanes, texts.header.lanes(lanes.length));
  showSources([...new Set([...ranges.values()].flatMap((range) => range.sources))]);
  for (const [lane, card] of cards) {
    if (!ranges.has(lane)) { card.remove(); cards.delete(lane); }
  }
  for (const lane of ranges.keys()) {
    if (!cards.has(lane)) cards.set(lane, element("a", { class: "card", href: `?lane=${lane}` }));
    draw(lane);
  }
  byId("overview").replaceChildren(...[...ranges.keys()].map((lane) => cards.get(lane)));
}

function draw(lane) {
  fillCard(cards.get(lane), ranges.get(lane), devices.filter((device) => device.lane === lane), performance.now());
}

/** One lane in short: its face with the current end, the last value, the total, and the faults of its devices. */
function fillCard(card, range, laneDevices, at) {
  const shots = range.shots(at);
  const last = shots.filter(counts).at(-1);
  const sums = totalsOf(range);
  const troubles = laneDevices.filter((device) => device.state !== DeviceState.READY).map((device) => texts.card.trouble(device.id, stateText(device.state)));
  if (range.orphans.length) troubles.push(texts.card.orphans(range.orphans.length));
  const { session, target } = range;
  const about = session
    ? [target && texts.header.distance(short(Number(target.distance))), session.is_opened ? sums && texts.card.arrows(sums.arrows) : texts.card.closed]
    : [texts.card.noSession];
  card.dataset.lane = range.lane;
  card.replaceChildren(
    element("span", { class: "name" }, texts.header.lane(range.lane)),
    element("span", { class: "about" }, about.filter(Boolean).join(" · ")),
    picture(range, shots, last),
    element("span", { class: "figure last" }, element("small", {}, `${texts.card.last} `),
      element("b", { role: "img", "aria-label": last ? spoken(last) : texts.card.noShot }, last ? call(last) : texts.none)),
    element("span", { class: "figure total" }, element("small", {}, `${texts.card.total} `), element("b", {}, whole(sums?.points))),
    ...(troubles.length ? [element("span", { class: "trouble" }, troubles.join(", "))] : []));
}

/** The sums of the shown session, undefined while there are none; those of a lane without a session are zero. */
function totalsOf({ lane, session }) {
  if (!session) return { arrows: 0, points: 0 };
  const found = statistics?.get(lane);
  return found?.session_id === session.id ? found.totals : undefined;
}

function onFigures(data) {
  statistics = new Map(data.map((one) => [one.lane, one]));
  for (const lane of ranges.keys()) draw(lane);
}

function picture({ target, faces }, shots, last) {
  if (!target || !faces.length) return element("span", { class: "no-face" });
  const reach = faces.map((face) => [face.x, face.y, face.radii.at(-1) * 1.05]);
  const [left, right] = [Math.min(...reach.map(([x, , r]) => x - r)), Math.max(...reach.map(([x, , r]) => x + r))];
  const [low, high] = [Math.min(...reach.map(([, y, r]) => y - r)), Math.max(...reach.map(([, y, r]) => y + r))];
  const size = Math.max(right - left, high - low);
  const current = shots.filter((shot) => counts(shot) && shot.x !== null && shot.end === last?.end);
  return svg("svg", { viewBox: `${left} ${-high} ${right - left} ${high - low}`, "aria-hidden": "true" },
    // The butt is part of the drawing: a background would fill the whole card.
    svg("rect", { class: "butt", x: left, y: -high, width: right - left, height: high - low, rx: size * 0.02 }),
    ...faces.map((face) => rings(face, { transform: `translate(${face.x} ${-face.y})` })),
    ...current.map((shot) => svg("circle", { class: shot === last ? "dot last" : "dot", cx: shot.x, cy: -shot.y, r: size * DOT })));
}

function onEvent(type, data) {
  lastHeard = new Date();
  if (type === StreamEvent.GAP || type === EventType.SESSION_OPENED || type === EventType.SESSION_CLOSED) load();
  else if (type === EventType.DEVICE_STATUS) refreshDevices();
  else if (type.startsWith("shot.")) {
    if (!ranges.has(data.lane)) load();
    else if (ranges.get(data.lane).take(data)) {
      draw(data.lane);
      figures.change();
    }
  } else if (type === EventType.READING_ORPHAN && ranges.has(data.lane)) {
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
    if (!(error instanceof HubError)) stream.suspect(texts.hub.noAnswer);
  }
}

for (const column of document.querySelectorAll(".column")) column.hidden = true;
document.querySelector(".skip").hidden = true;
byId("overview").hidden = false;
setInterval(refreshDevices, DEVICES_MS);
document.addEventListener("visibilitychange", refreshDevices);
load();
