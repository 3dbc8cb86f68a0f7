// All lanes at a glance, for the screen of the range's staff: one card per lane, which links to it.
import { stateText } from "../model/devices.js";
import { distance, whole } from "../model/format.js";
import { call, lastOf, spoken } from "../model/score.js";
import { DeviceState } from "../model/vocabulary.js";
import { addressOf } from "../preferences.js";
import { texts } from "../texts/index.js";
import { Watch } from "../watch.js";
import { byId, element } from "./dom.js";
import { Lanes, showConnection, showSources, showTitle } from "./header.js";
import { picture } from "./picture.js";
import { offerSettings } from "./settings.js";

const nav = new Lanes(byId("lanes"), null);
const cards = new Map();
const watch = new Watch(Lanes.ALL, { onLoad: build, onLane: draw, onState: showConnection });

function build() {
  nav.show(watch.lanes, Lanes.ALL);
  showTitle(texts.header.allLanes, texts.header.lanes(watch.lanes.length));
  for (const [lane, card] of cards) {
    if (!watch.ranges.has(lane)) { card.remove(); cards.delete(lane); }
  }
  for (const lane of watch.ranges.keys()) {
    if (!cards.has(lane)) cards.set(lane, element("a", { class: "card", href: addressOf(lane) }));
    draw(lane);
  }
  byId("overview").replaceChildren(...[...watch.ranges.keys()].map((lane) => cards.get(lane)));
}

function draw(lane) {
  showSources(watch.sources);
  fillCard(cards.get(lane), watch.ranges.get(lane), watch.devices.filter((device) => device.lane === lane), performance.now());
}

/** One lane in short: its face with the current end, the last value, the total, and the faults of its devices. */
function fillCard(card, range, laneDevices, at) {
  const shots = range.shots(at);
  const last = lastOf(shots);
  const sums = totalsOf(range);
  const troubles = laneDevices.filter((device) => device.state !== DeviceState.READY).map((device) => texts.card.trouble(device.id, stateText(device.state)));
  if (range.orphans.length) troubles.push(texts.card.orphans(range.orphans.length));
  const { session, target } = range;
  const about = session
    ? [target && distance(Number(target.distance)), session.is_opened ? sums && texts.card.arrows(sums.arrows) : texts.card.closed]
    : [texts.card.noSession];
  card.dataset.lane = range.lane;
  card.replaceChildren(
    element("span", { class: "name" }, texts.header.lane(range.lane)),
    element("span", { class: "about" }, about.filter(Boolean).join(" · ")),
    picture(range, shots, last),
    element("span", { class: "figure last" }, element("small", {}, `${texts.card.last} `),
      element("b", { role: "img", "aria-label": last ? spoken(last) : texts.card.noShot }, last ? call(last) : texts.none)),
    element("span", { class: "figure total" }, element("small", {}, `${texts.card.total} `), element("b", {}, whole(sums?.points))),
    element("span", { class: "names" }, range.slots.map((slot) => slot.archer).filter(Boolean).join(", ")),
    ...(troubles.length ? [element("span", { class: "trouble" }, troubles.join(", "))] : []));
}

/** The sums of the shown session, undefined while there are none; those of a lane without a session are zero. */
function totalsOf({ lane, session }) {
  return session ? watch.statistics(lane)?.totals : { arrows: 0, points: 0 };
}

for (const column of document.querySelectorAll(".column")) column.hidden = true;
document.querySelector(".skip").hidden = true;
byId("overview").hidden = false;
offerSettings(byId("settings"));
