// The overlay of a video: one lane's board on a transparent page, at the lower edge. It shows nothing where no session is.
import { Source } from "../model/vocabulary.js";
import { texts } from "../texts/index.js";
import { Watch } from "../watch.js";
import { fillBoard } from "./board.js";
import { byId, element } from "./dom.js";
import { Lanes, showConnection } from "./header.js";

const stage = byId("boards");
const board = element("article", { class: "board" });
const note = element("p", { class: "note" });
const requested = Lanes.requested();
const watch = new Watch(requested === Lanes.ALL ? null : requested, { onLoad: draw, onLane: draw, onState });

function draw() {
  const [[lane, range]] = watch.ranges;
  byId("title").textContent = texts.header.lane(lane);
  board.hidden = !range.session;
  fillBoard(board, range, watch.statistics(lane), performance.now());
  board.append(note);
  note.textContent = watch.sources.some((source) => source !== Source.HARDWARE) ? texts.board.simulated : "";
}

/** A broken connection is a mark on the board, not a bar across the video. */
function onState(state, reason, lastHeard) {
  showConnection(state, reason, lastHeard);
  board.classList.toggle("stale", state !== "live");
  board.dataset.stale = state === "live" ? "" : texts.header.notConnected;
}

document.title = texts.board.overlayTitle;
document.querySelector("main").hidden = true;
stage.hidden = false;
stage.replaceChildren(board);
