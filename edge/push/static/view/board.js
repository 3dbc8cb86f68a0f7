// One lane on a screen for spectators: face, archers, last value, the end's arrows and sum, total. No controls; sizes follow the board.
import { archerOf, archerRows, endOf, sumsOf as archerSums } from "../model/ends.js";
import { distance, whole } from "../model/format.js";
import { call, lastOf, spoken } from "../model/score.js";
import { texts } from "../texts/index.js";
import { element } from "./dom.js";
import { picture } from "./picture.js";
import { chips } from "./score.js";

/** The sums that a board showed last, while those of a new shot are on their way. */
const shown = new WeakMap();

/** The contents of a board, for a lane's state and the hub's statistics. */
export function fillBoard(board, range, statistics, at) {
  const shots = range.shots(at);
  const last = lastOf(shots);
  const rows = archerRows(range.slots, statistics, last);
  const sums = sumsOf(board, range, statistics, last);
  const isShared = rows.length > 1;
  board.dataset.lane = range.lane;
  board.classList.toggle("shared", isShared);
  board.replaceChildren(
    picture(range, shots, last, statistics?.group),
    element("div", { class: "who" },
      element("h2", {}, texts.header.lane(range.lane)),
      element("p", { class: "names" }, isShared ? archerOf(statistics, last) : range.slots.map((slot) => slot.archer).filter(Boolean).join(", ")),
      element("p", { class: "about" }, aboutOf(range, last))),
    element("div", { class: "numbers" },
      figure("last", texts.board.last, last ? call(last) : texts.none, last ? spoken(last) : texts.card.noShot),
      figure("end", texts.board.end, sums.end), figure("total", texts.board.total, sums.total)),
    element("ol", { class: "chips", role: "list" }, ...chips(shots, last, range.session?.arrows_per_end ?? 0)),
    ...(isShared ? [archers(rows)] : []));
}

function aboutOf({ session, target }, last) {
  if (!session) return texts.card.noSession;
  return [target && distance(Number(target.distance)), last?.endName && texts.board.endName(last.endName), !session.is_opened && texts.card.closed]
    .filter(Boolean).join(" · ");
}

/** The sums of the end and of the session; on a shared butt, of the archer of the last shot. */
function sumsOf(board, { session }, statistics, last) {
  const before = shown.get(board);
  const known = before && before.session === session?.id ? before : { end: texts.none, total: texts.none };
  const own = archerSums(statistics, last);
  const end = endOf(statistics, last);
  const found = { session: session?.id, end: end ? whole(end.totals.points) : known.end, total: own ? whole(own.totals.points) : known.total };
  shown.set(board, found);
  return found;
}

function figure(name, label, value, speech) {
  return element("div", { class: `figure ${name}` }, element("span", { class: "label" }, label),
    element("b", speech ? { role: "img", "aria-label": speech } : {}, value));
}

function archers(rows) {
  return element("ul", { class: "standings" }, ...rows.map(({ name, end, total, isLast }) => element("li", { class: isLast && "last" },
    element("span", { class: "name" }, name), element("span", {}, whole(end)), element("b", {}, whole(total)))));
}
