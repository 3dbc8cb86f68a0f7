// The target to scale: one unit of the drawing is one millimetre. The butt's y points up, the drawing's down.
import { arrowPhrase, distance, place, whole } from "../model/format.js";
import { counts, spoken, zone } from "../model/score.js";
import { around, between, groupBox, isSmall } from "../model/zoom.js";
import { texts } from "../texts/index.js";
import { svg } from "./dom.js";

const CROSS_MM = 4;
const ASSUMED_SHAFT_MM = 5.5;
// Sizes of markers on the screen, the same for faces of any size: big enough to see and to touch.
const NEW_PX = 10;
const OLD_PX = 5;
const ORPHAN_PX = 6;
const MIDDLE_PX = 16;
/** Distance within which a tap means a shot: as wide as a finger. */
const REACH_PX = 22;
const ZOOM_MS = 350;
/** Room around the faces, and around a shot beside them. */
const ROOM = 1.05;
const SHOT_ROOM_MM = 30;

export class Face {
  #drawing = null;
  #layer = null;
  #group = null;
  #orphans = null;
  #marks = new Map();
  #height = 0;
  #viewed = null;
  #shown = null;
  #frame = 0;
  #whole = null;
  #near = null;
  #isNear = null;
  #shots = [];

  /** onSelect(id) when a shot is chosen on the face; button: switches between the whole face and the group. */
  constructor(holder, onSelect, button) {
    this.holder = holder;
    this.onSelect = onSelect;
    this.button = button;
    button.addEventListener("click", () => this.#toggle());
    new ResizeObserver(() => this.#resize()).observe(holder);
  }

  /** Draw butt and faces again. */
  build(target, faces, metres) {
    this.#marks.clear();
    this.#drawing = null;
    this.#viewed = this.#shown = this.#isNear = null;
    cancelAnimationFrame(this.#frame);
    this.holder.replaceChildren();
    this.button.hidden = true;
    if (!target) return;
    this.#height = target.max_y;
    this.target = target;
    this.faces = faces;
    this.#layer = svg("g", { class: "shots" });
    this.#group = svg("g", { class: "group" });
    this.#orphans = svg("g", { class: "orphans" });
    this.#drawing = svg("svg", { role: "group", "aria-labelledby": "face-title face-description" },
      svg("title", { id: "face-title" }, texts.face.title),
      svg("desc", { id: "face-description" }, texts.face.description(faces.map((face) => face.human_identifier).join(", ") || texts.face.noFace,
        whole(target.max_x), whole(target.max_y), distance(Number(metres)))),
      svg("rect", { class: "butt", width: target.max_x, height: target.max_y, rx: 12 }),
      ...faces.map((face) => rings(face, { transform: this.#place(face.x, face.y), "data-face": face.human_identifier })),
      this.#group,
      this.#orphans,
      this.#layer);
    this.#drawing.addEventListener("keydown", (event) => this.#key(event));
    this.#drawing.addEventListener("click", (event) => this.#tap(event));
    this.holder.append(this.#drawing);
  }

  /** Mark every shot that has a place. chosen: ids of the last and the selected shot, and the current end. */
  show(shots, chosen, group, orphans) {
    if (!this.#drawing) return;
    this.#shots = shots.filter((shot) => shot.x !== null && shot.y !== null && counts(shot));
    const present = new Set(this.#shots.map((shot) => shot.id));
    for (const [id, mark] of this.#marks) {
      if (!present.has(id)) { mark.remove(); this.#marks.delete(id); }
    }
    const reachable = present.has(chosen.selected) ? chosen.selected : this.#shots.at(-1)?.id;
    for (const shot of this.#shots) {
      const mark = this.#marks.get(shot.id) ?? this.#addMark(shot.id);
      const isLast = shot.id === chosen.last;
      const states = ["shot", shot.end === chosen.end ? "current" : "older", isLast && "last", shot.sighter && "sighter",
        shot.previous_value && "corrected", shot.recent && "recent", shot.id === chosen.selected && "selected", mark.classList.contains("fresh") && "fresh"];
      mark.setAttribute("class", states.filter(Boolean).join(" "));
      mark.setAttribute("transform", this.#place(shot.x, shot.y));
      mark.setAttribute("aria-label", label(shot, isLast));
      mark.setAttribute("tabindex", shot.id === reachable ? "0" : "-1");
      mark.querySelector(".shaft").setAttribute("r", (shot.diameter_mm ?? ASSUMED_SHAFT_MM) / 2);
      mark.querySelector(".number").textContent = shot.end === chosen.end ? shot.inEnd : "";
    }
    this.#showGroup(group);
    const placed = orphans.filter((orphan) => orphan.x !== null);
    this.#orphans.replaceChildren(...placed.map((orphan) =>
      svg("circle", { class: "orphan", role: "img", "aria-label": texts.face.orphan, transform: this.#place(orphan.x, orphan.y) })));
    this.#view(chosen, group, placed);
    this.#resize(); // new markers, also where the picture stays
  }

  /** The middle of the hub's group and the circle that holds half of its arrows, on every face. */
  #showGroup(group) {
    this.#group.replaceChildren(...(group && group.n > 1 ? this.faces : []).map((face) => {
      const drawn = svg("g", { transform: this.#place(face.x + group.dx_mm, face.y + group.dy_mm), "aria-hidden": "true" });
      if (group.r50_mm) drawn.append(svg("circle", { class: "half under", r: group.r50_mm }), svg("circle", { class: "half", r: group.r50_mm }));
      drawn.append(svg("path", { class: "middle under" }), svg("path", { class: "middle" }));
      return drawn;
    }));
  }

  #place(x, y) {
    return `translate(${x} ${this.#height - y})`;
  }

  freshen(id) {
    this.#marks.get(id)?.classList.add("fresh");
  }

  #addMark(id) {
    const mark = svg("g", { role: "img" },
      svg("circle", { class: "pointer" }), svg("circle", { class: "halo" }), svg("circle", { class: "shaft" }),
      svg("text", { class: "number", "aria-hidden": "true" }));
    mark.dataset.shot = id;
    mark.addEventListener("focus", () => this.onSelect(id));
    this.#marks.set(id, mark);
    this.#layer.append(mark);
    return mark;
  }

  /** Crop the drawing to the faces and the shots on the butt, or to the group: a small face fills the picture, and a small group too. */
  #view(chosen, group, orphans) {
    const circle = (x, y, r) => ({ x, y: this.#height - y, r });
    const isOnButt = ({ x, y }) => x >= 0 && x <= this.target.max_x && y >= 0 && y <= this.#height;
    const all = this.faces.map((face) => circle(face.x, face.y, face.radii.at(-1) * ROOM));
    if (!all.length) all.push(circle(0, 0, 0), circle(this.target.max_x, this.#height, 0));
    for (const shot of [...this.#shots, ...orphans].filter(isOnButt)) all.push(circle(shot.x, shot.y, SHOT_ROOM_MM));
    this.#whole = around(all);
    const end = this.#shots.filter((shot) => shot.end === chosen.end);
    const near = end.map((shot) => circle(shot.x, shot.y, shot.diameter_mm ?? ASSUMED_SHAFT_MM));
    if (group?.r95_mm && this.faces.length === 1) near.push(circle(this.faces[0].x + group.dx_mm, this.faces[0].y + group.dy_mm, group.r95_mm));
    this.#near = groupBox(this.#whole, near);
    this.#turn();
  }

  /** Whether the group is shown: as the reader chose, else by itself when it is small. */
  get #zooms() {
    return this.#near !== null && (this.#isNear ?? isSmall(this.#whole, this.#near, this.#shots.length));
  }

  #toggle() {
    if (!this.#near) return;
    this.#isNear = !this.#zooms;
    this.#turn();
  }

  /** Move the picture to its part of the target, at once the first time and for readers who want less motion. */
  #turn() {
    const zooms = this.#zooms;
    this.button.hidden = this.#near === null;
    this.button.setAttribute("aria-pressed", String(zooms));
    this.button.title = zooms ? texts.face.whole : texts.page.zoom;
    this.#drawing.classList.toggle("near", zooms);
    const to = zooms ? this.#near : this.#whole;
    if (this.#shown && ["x", "y", "size"].every((name) => this.#shown[name] === to[name])) return;
    this.#shown = to;
    cancelAnimationFrame(this.#frame);
    if (!this.#viewed || matchMedia("(prefers-reduced-motion: reduce)").matches) return this.#crop(to);
    const [from, began] = [this.#viewed, performance.now()];
    const step = (now) => {
      const part = Math.max(0, Math.min((now - began) / ZOOM_MS, 1));
      this.#crop(between(from, to, part));
      if (part < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #crop(box) {
    this.#viewed = box;
    this.#drawing.setAttribute("viewBox", `${box.x} ${box.y} ${box.size} ${box.size}`);
    this.#resize();
  }

  /** A tap near a shot selects the nearest; anywhere else it switches between the whole face and the group. */
  #tap(event) {
    const away = ([, mark]) => {
      const box = mark.querySelector(".shaft").getBoundingClientRect();
      return Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
    };
    const [nearest] = [...this.#marks].map((entry) => [entry[0], away(entry)]).sort((a, b) => a[1] - b[1]);
    if (nearest && nearest[1] <= REACH_PX) this.onSelect(nearest[0]); else this.#toggle();
  }

  #resize() {
    const matrix = this.#drawing?.getScreenCTM();
    if (!matrix || !matrix.a) return;
    const mm = 1 / matrix.a;
    for (const dot of this.#orphans.children) dot.setAttribute("r", ORPHAN_PX * mm);
    const arm = MIDDLE_PX * mm;
    for (const cross of this.#group.querySelectorAll("path")) cross.setAttribute("d", `M${-arm} 0H${arm}M0 ${-arm}V${arm}`);
    for (const mark of this.#marks.values()) {
      const shaft = Number(mark.querySelector(".shaft").getAttribute("r"));
      const px = mark.classList.contains("current") ? NEW_PX : OLD_PX;
      const halo = Math.max(shaft + mm, px * mm);
      mark.querySelector(".halo").setAttribute("r", halo);
      mark.querySelector(".halo").setAttribute("stroke-width", 1.5 * mm);
      mark.querySelector(".pointer").setAttribute("r", halo + 4 * mm);
      mark.querySelector(".pointer").setAttribute("stroke-width", 3 * mm);
      mark.querySelector(".number").setAttribute("font-size", 12 * mm);
    }
  }

  #key(event) {
    const here = this.#shots.findIndex((shot) => shot.id === event.target.dataset?.shot);
    if (here < 0) return;
    const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: this.#shots.length - 1 }[event.key];
    const next = to === undefined ? undefined : this.#shots[Math.max(0, Math.min(to, this.#shots.length - 1))];
    if (!next) return;
    event.preventDefault();
    this.#marks.get(next.id).focus();
  }
}

function label(shot, isLast) {
  const parts = [texts.face.shot(place(shot), spoken(shot), arrowPhrase(shot))];
  if (shot.previous_value) parts.push(texts.face.correctedFrom(shot.previous_value));
  if (isLast) parts.push(texts.face.last);
  return parts.join(", ");
}

/** A face as it is printed: one unit of the drawing is one millimetre, its origin the middle. */
export function rings(face, attributes) {
  const drawn = svg("g", { class: "face-print", ...attributes });
  for (let i = face.radii.length - 1; i >= 0; i--) drawn.append(ring(face.radii[i], zone(face.points[i])));
  if (face.x_radius) drawn.append(ring(face.x_radius, "gold"));
  drawn.append(svg("path", { class: "cross", d: `M${-CROSS_MM / 2} 0H${CROSS_MM / 2}M0 ${-CROSS_MM / 2}V${CROSS_MM / 2}` }));
  return drawn;
}

/** The radius of a ring is the outer edge of its line, so the line is drawn inside it. */
function ring(radius, colour) {
  return svg("circle", { class: `ring ${colour}`, r: radius - 1, "data-radius": radius });
}
