// The wall: one board per lane, or one for a single lane, which fill the screen without scrolling and without controls.
import { arrange } from "../model/grid.js";
import { addressWithoutWall, isAutomatic } from "../preferences.js";
import { texts } from "../texts/index.js";
import { Watch } from "../watch.js";
import { fillBoard } from "./board.js";
import { byId, element } from "./dom.js";
import { Lanes, showConnection, showSources } from "./header.js";

/** Time for which the way back is seen after the mouse has moved. */
const SEEN_MS = 4000;

const wall = byId("boards");
const boards = new Map();
const watch = new Watch(Lanes.requested() ?? Lanes.ALL, { onLoad: build, onLane: draw, onState: showConnection });

function build() {
  const [lane] = watch.ranges.keys();
  byId("title").textContent = watch.isAll ? texts.board.wallTitle : texts.header.lane(lane);
  for (const known of boards.keys()) if (!watch.ranges.has(known)) boards.delete(known);
  for (const one of watch.ranges.keys()) {
    if (!boards.has(one)) boards.set(one, element("article", { class: "board" }));
    draw(one);
  }
  wall.replaceChildren(...[...watch.ranges.keys()].map((one) => element("div", { class: "cell" }, boards.get(one))));
  fit();
}

function draw(lane) {
  showSources(watch.sources);
  fillBoard(boards.get(lane), watch.ranges.get(lane), watch.statistics(lane), performance.now());
}

/** Arrange the boards for the size of the screen; those of a shorter last row share its whole width. */
function fit() {
  const { columns, rows, lastRow } = arrange(watch.ranges.size, wall.clientWidth, wall.clientHeight);
  wall.style.setProperty("--tracks", String(columns * lastRow));
  wall.style.setProperty("--rows", String(rows));
  [...wall.children].forEach((cell, i) => {
    cell.style.setProperty("--span", String(i < columns * (rows - 1) ? lastRow : columns));
  });
}

/** Offer the page with all its parts while a mouse moves, where the screen itself has chosen the wall. */
function offerPage() {
  const link = element("a", { class: "leave-wall", href: addressWithoutWall() }, texts.board.leaveWall);
  let hiding = 0;
  document.body.append(link);
  addEventListener("pointermove", () => {
    link.classList.add("seen");
    clearTimeout(hiding);
    hiding = setTimeout(() => link.classList.remove("seen"), SEEN_MS);
  });
}

document.title = texts.board.wallTitle;
if (isAutomatic) offerPage();
document.querySelector("main").hidden = true;
wall.hidden = false;
new ResizeObserver(fit).observe(wall);
