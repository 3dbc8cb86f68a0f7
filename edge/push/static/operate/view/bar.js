// The operator's bar at the lower edge of the page, the buttons at the selected shot, and the one at landings to resolve.
import { EventType, Result } from "../../model/vocabulary.js";
import { texts } from "../../texts/operate/index.js";
import { byId, element } from "../../view/dom.js";
import { operator } from "../access.js";
import { endsOf } from "../model/paper.js";
import { isCorrected } from "../model/values.js";
import { askName } from "./access.js";
import { showArrows } from "./arrow.js";
import { closeDialogs } from "./dialog.js";
import { showFiles } from "./files.js";
import { showHistory } from "./history.js";
import { PaperMarks } from "./marks.js";
import { resolveOrphan } from "./orphan.js";
import { enterPaper } from "./paper.js";
import { changeSession, closeSession, endEnd, markSighters } from "./running.js";
import { openSession } from "./session.js";
import { correctShot, restoreShot, voidShot } from "./shot.js";

/** Actions in the order of the bar: when they are offered, when they are of no use (isOff), and whether a phone shows them without "More". */
const ACTIONS = Object.freeze([
  { name: "open", run: openSession, isOffered: ({ isOpen }) => !isOpen, isFirst: true, isMain: true },
  { name: "end", run: endEnd, isOffered: ({ isRunning }) => isRunning, isOff: ({ isComplete }) => isComplete, isFirst: true, isMain: true },
  { name: "paper", run: enterPaper, isOffered: ({ session }) => Boolean(session), isFirst: true },
  { name: "settings", run: changeSession, isOffered: ({ isRunning }) => isRunning },
  { name: "sighters", run: markSighters, isOffered: ({ isRunning }) => isRunning },
  { name: "arrows", run: showArrows, isOffered: () => true },
  { name: "files", run: showFiles, isOffered: ({ session }) => Boolean(session) },
  { name: "history", run: showHistory, isOffered: () => true },
  { name: "close", run: closeSession, isOffered: ({ isRunning }) => isRunning, isDanger: true },
]);

/** Whether the operator's name is known, after asking for it. */
export async function named() {
  return Boolean(operator.name) || askName();
}

export class Bar {
  #isRunning = false;
  #buttons = new Map();
  #shown;
  #observer = new ResizeObserver(() => this.#reserve());

  /** lane: see operate/index.js; onLeave when the operator stops. */
  constructor(lane, onLeave) {
    this.lane = Object.assign(lane, { drawn: new Set(), paperChanged: () => this.marks.load() });
    this.closing = element("p", { class: "closing", role: "status", hidden: true }, texts.bar.closing);
    this.more = element("button", { type: "button", class: "more", "aria-expanded": "false" }, texts.bar.more);
    this.more.addEventListener("click", () => this.#fold(this.more.getAttribute("aria-expanded") === "true"));
    this.name = this.#button("", "rest", async () => { if (await askName()) this.#showName(); });
    const leave = this.#button(texts.bar.leave, "rest narrow", onLeave);
    for (const action of ACTIONS) {
      const kind = [action.isFirst ? "first" : "rest", action.isMain && "primary", action.isDanger && "danger"].filter(Boolean).join(" ");
      this.#buttons.set(action, this.#button(texts.bar[action.name], kind, () => action.run(lane), action.name));
    }
    this.bar = element("section", { id: "operate-bar", class: "operate-bar", "aria-label": texts.bar.label },
      this.closing, ...this.#buttons.values(), this.name, leave, this.more);
    this.shot = element("div", { class: "operate-shot", role: "group", "aria-label": texts.bar.label });
    this.shotButtons = {
      correct: this.#button("", "", () => correctShot(lane, lane.selected())),
      void: this.#button(texts.shot.void, "", () => voidShot(lane, lane.selected())),
      restore: this.#button(texts.shot.restore, "", () => restoreShot(lane, lane.selected())),
    };
    this.shot.append(...Object.values(this.shotButtons));
    this.orphans = this.#button("", "operate-orphans", () => resolveOrphan(lane));
    document.body.append(this.bar);
    document.body.classList.add("operating");
    byId("why-panel").append(this.shot);
    byId("orphans").after(this.orphans);
    addEventListener("popstate", closeDialogs);
    this.#observer.observe(this.bar);
    this.marks = new PaperMarks(lane);
    this.#showName();
    this.draw();
  }

  remove() {
    removeEventListener("popstate", closeDialogs);
    this.#observer.disconnect();
    document.body.style.removeProperty("--bar");
    this.marks.clear();
    for (const part of [this.bar, this.shot, this.orphans]) part.remove();
    document.body.classList.remove("operating");
  }

  /** Show the buttons that the lane's state allows. */
  draw() {
    const { range } = this.lane;
    if (!range) { // the hub was away when the page was loaded: nothing can be done to a lane yet
      for (const part of [...this.#buttons.values(), this.closing, this.shot, this.orphans]) part.hidden = true;
      return;
    }
    if (this.#shown !== undefined && this.#shown !== range.lane) closeDialogs();
    this.#shown = range.lane;
    const session = range.session;
    const isOpen = Boolean(session?.is_opened);
    const [end] = isOpen ? endsOf(this.lane.shots()) : [];
    const isComplete = Boolean(end) && end.count >= session.arrows_per_end * Math.max(1, range.slots.length);
    const state = { session, isOpen, isRunning: isOpen && !session.closing_time, isComplete };
    for (const [action, button] of this.#buttons) {
      button.hidden = !action.isOffered(state);
      button.disabled = Boolean(action.isOff?.(state));
    }
    this.closing.hidden = !isOpen || !session.closing_time;
    const shot = this.lane.selected();
    const isVoid = shot?.result === Result.VOID;
    this.shot.hidden = !shot;
    this.shotButtons.correct.hidden = this.shotButtons.void.hidden = !shot || isVoid;
    this.shotButtons.correct.textContent = shot?.line_call ? texts.shot.confirm : texts.shot.correct;
    this.shotButtons.restore.hidden = !shot || !isCorrected(shot);
    this.orphans.hidden = !range.orphans.length;
    this.orphans.textContent = texts.orphan.button(range.orphans.length);
    this.marks.draw();
    for (const draw of this.lane.drawn) draw();
  }

  /** An event of the lane: what a second scorer has entered. */
  onEvent(type) {
    if (type === EventType.PAPER_ENTERED) this.marks.load();
  }

  /** Leave room below the page for the bar, which may have several lines. */
  #reserve() {
    document.body.style.setProperty("--bar", `${this.bar.offsetHeight}px`);
  }

  #button(text, kind, run, name) {
    const button = element("button", { type: "button", class: kind, "data-action": name }, text);
    button.addEventListener("click", () => this.#run(run, button));
    return button;
  }

  /** One action at a time: a second tap while the first one loads does nothing. */
  async #run(run, button) {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (const one of [button, this.bar]) one.setAttribute("aria-busy", "true");
    try {
      await run();
    } finally {
      this.#isRunning = false;
      for (const one of [button, this.bar]) one.removeAttribute("aria-busy");
      this.draw();
      this.#afterAction();
    }
  }

  /** Fold the buttons again, so that the page is free; the focus stays in the bar. */
  #afterAction() {
    if (!this.more.getClientRects().length || !this.bar.classList.contains("unfolded")) return;
    const hadFocus = this.bar.contains(document.activeElement);
    this.#fold(true);
    if (hadFocus && !document.activeElement.getClientRects().length) this.more.focus();
  }

  #fold(isFolded) {
    this.more.setAttribute("aria-expanded", String(!isFolded));
    this.more.textContent = isFolded ? texts.bar.more : texts.bar.less;
    this.bar.classList.toggle("unfolded", !isFolded);
  }

  #showName() {
    this.name.textContent = texts.bar.name(operator.name);
  }
}
