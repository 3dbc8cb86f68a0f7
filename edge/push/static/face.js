// The target to scale: one unit of the drawing is one millimetre. The butt's y points up, the drawing's down.
import { counts, spoken } from "./scoring.js";
import { arrow, place, svg } from "./words.js";

const COLOURS = ["white", "white", "white", "black", "black", "blue", "blue", "red", "red", "gold", "gold"];
const CROSS_MM = 4;
const ASSUMED_SHAFT_MM = 5.5;
// Markers keep their size on the screen, whatever the face's: big enough to see and to touch.
const NEW_PX = 10;
const OLD_PX = 5;

export class Face {
  #drawing = null;
  #layer = null;
  #marks = new Map();
  #height = 0;
  #viewed = "";
  #shots = [];

  /** onSelect(id) when a shot is chosen on the face. */
  constructor(holder, onSelect) {
    this.holder = holder;
    this.onSelect = onSelect;
    new ResizeObserver(() => this.#resize()).observe(holder);
  }

  /** Draw butt and faces anew. */
  build(target, faces, distance) {
    this.#marks.clear();
    this.#drawing = null;
    this.holder.replaceChildren();
    if (!target) return;
    this.#height = target.max_y;
    this.target = target;
    this.faces = faces;
    this.#layer = svg("g", { class: "shots" });
    this.#drawing = svg("svg", { role: "group", "aria-labelledby": "face-title face-description" },
      svg("title", { id: "face-title" }, "Target face with shots"),
      svg("desc", { id: "face-description" },
        `${faces.map((face) => face.human_identifier).join(", ") || "No face"} on a butt of ${target.max_x} by ${target.max_y} millimetres at ${distance} metres. Arrow keys move from shot to shot.`),
      svg("rect", { class: "butt", width: target.max_x, height: target.max_y, rx: 12 }),
      ...faces.map((face) => this.#rings(face)),
      this.#layer);
    this.#drawing.addEventListener("keydown", (event) => this.#key(event));
    this.#viewed = "";
    this.holder.append(this.#drawing);
  }

  /** Put every located shot in its place. shots: in order; current: the end that is being shot. */
  show(shots, lastId, currentEnd, selectedId) {
    if (!this.#drawing) return;
    this.#shots = shots.filter((shot) => shot.x !== null && shot.y !== null && counts(shot));
    const present = new Set(this.#shots.map((shot) => shot.id));
    for (const [id, mark] of this.#marks) {
      if (!present.has(id)) { mark.remove(); this.#marks.delete(id); }
    }
    const reachable = present.has(selectedId) ? selectedId : this.#shots.at(-1)?.id;
    for (const shot of this.#shots) {
      const mark = this.#marks.get(shot.id) ?? this.#addMark(shot.id);
      const states = ["shot", shot.end === currentEnd ? "current" : "older", shot.id === lastId && "last",
        shot.was && "corrected", shot.id === selectedId && "selected", mark.classList.contains("fresh") && "fresh"];
      mark.setAttribute("class", states.filter(Boolean).join(" "));
      mark.setAttribute("transform", `translate(${shot.x} ${this.#height - shot.y})`);
      mark.setAttribute("aria-label", label(shot, shot.id === lastId));
      mark.setAttribute("tabindex", shot.id === reachable ? "0" : "-1");
      mark.querySelector(".shaft").setAttribute("r", (shot.diameter_mm ?? ASSUMED_SHAFT_MM) / 2);
      mark.querySelector(".number").textContent = shot.end === currentEnd ? shot.inEnd : "";
    }
    this.#view();
    this.#resize();
  }

  freshen(id) {
    this.#marks.get(id)?.classList.add("fresh");
  }

  #addMark(id) {
    const mark = svg("g", { role: "img" },
      svg("circle", { class: "pointer" }), svg("circle", { class: "halo" }), svg("circle", { class: "shaft" }),
      svg("text", { class: "number", "aria-hidden": "true" }));
    mark.dataset.shot = id;
    mark.addEventListener("click", () => this.onSelect(id));
    mark.addEventListener("focus", () => this.onSelect(id));
    this.#marks.set(id, mark);
    this.#layer.append(mark);
    return mark;
  }

  #rings(face) {
    const drawn = svg("g", { class: "face-print", transform: `translate(${face.x} ${this.#height - face.y})` });
    drawn.dataset.face = face.human_identifier;
    for (let i = face.radii.length - 1; i >= 0; i--) drawn.append(ring(face.radii[i], COLOURS[Math.min(face.points[i], 10)]));
    if (face.x_radius) drawn.append(ring(face.x_radius, "gold"));
    drawn.append(svg("path", { class: "cross", d: `M${-CROSS_MM / 2} 0H${CROSS_MM / 2}M0 ${-CROSS_MM / 2}V${CROSS_MM / 2}` }));
    return drawn;
  }

  /** Show the faces and every shot on the butt, and no more than that: a small face fills the picture. */
  #view() {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    const reach = (x, y, r) => {
      box[0] = Math.min(box[0], x - r); box[1] = Math.min(box[1], y - r);
      box[2] = Math.max(box[2], x + r); box[3] = Math.max(box[3], y + r);
    };
    for (const face of this.faces) reach(face.x, this.#height - face.y, face.radii.at(-1) * 1.05);
    if (!this.faces.length) { reach(0, 0, 0); reach(this.target.max_x, this.#height, 0); }
    for (const shot of this.#shots) {
      if (shot.x >= 0 && shot.x <= this.target.max_x && shot.y >= 0 && shot.y <= this.#height) reach(shot.x, this.#height - shot.y, 30);
    }
    const viewed = `${box[0]} ${box[1]} ${box[2] - box[0]} ${box[3] - box[1]}`;
    if (viewed !== this.#viewed) this.#drawing.setAttribute("viewBox", viewed);
    this.#viewed = viewed;
  }

  #resize() {
    const matrix = this.#drawing?.getScreenCTM();
    if (!matrix || !matrix.a) return;
    const mm = 1 / matrix.a;
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

/** The table's radius is the outer edge of the line, so the line is drawn inside it. */
function ring(radius, colour) {
  return svg("circle", { class: `ring ${colour}`, r: radius - 1, "data-radius": radius });
}

function label(shot, isLast) {
  const parts = [`Shot ${place(shot)}`, spoken(shot), `arrow ${arrow(shot)}`];
  if (shot.was) parts.push(`corrected from ${shot.was}`);
  if (isLast) parts.push("last shot");
  return parts.join(", ");
}
