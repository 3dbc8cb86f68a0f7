// The list of shots, newest first.
import { arrow, bareSpeed, clock, fixed, place, speedUnit } from "../model/format.js";
import { call, counts, spoken } from "../model/score.js";
import { Flag } from "../model/vocabulary.js";
import { notes } from "../model/why.js";
import { texts } from "../texts/index.js";
import { element, tableHead } from "./dom.js";

export class ShotList {
  #rows = new Map();
  #ids = [];

  constructor(table, onSelect) {
    this.onSelect = onSelect;
    this.body = element("tbody");
    const { heads, caption } = texts.shots;
    table.append(
      element("caption", { class: "unseen" }, caption),
      tableHead([[heads.shot], [heads.value], [heads.arrow], [heads.flight, "number"], [speedUnit(), "number"], [heads.time, "optional"], [heads.note]]),
      this.body);
    this.body.addEventListener("keydown", (event) => this.#key(event));
  }

  show(shots, lastId, selectedId) {
    const newestFirst = [...shots].reverse();
    this.#ids = newestFirst.map((shot) => shot.id);
    const present = new Set(this.#ids);
    for (const [id, row] of this.#rows) {
      if (!present.has(id)) { row.remove(); this.#rows.delete(id); }
    }
    const reachable = present.has(selectedId) ? selectedId : this.#ids[0];
    newestFirst.forEach((shot, i) => {
      const row = this.#rows.get(shot.id) ?? this.#add(shot.id);
      fill(row, shot, shot.id === lastId);
      row.classList.toggle("selected", shot.id === selectedId);
      row.tabIndex = shot.id === reachable ? 0 : -1;
      if (this.body.children[i] !== row) this.body.insertBefore(row, this.body.children[i] ?? null);
    });
  }

  #add(id) {
    const row = element("tr");
    row.dataset.shot = id;
    row.addEventListener("click", () => this.onSelect(id));
    row.addEventListener("focus", () => this.onSelect(id));
    this.#rows.set(id, row);
    return row;
  }

  #key(event) {
    const here = this.#ids.indexOf(event.target.dataset?.shot);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: this.#ids.length - 1 }[event.key];
    const next = here < 0 || to === undefined ? undefined : this.#rows.get(this.#ids[to]);
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

function fill(row, shot, isLast) {
  const isCorrected = shot.previous_value !== null || shot.flags.includes(Flag.CORRECTED);
  const cellTexts = [place(shot), shot.previous_value, call(shot), arrow(shot), fixed(shot.tof_s, 2), bareSpeed(shot.speed_mps ?? shot.launch_mps),
    shot.arrow_disengage_time, [isLast && texts.notes.last, ...notes(shot)].filter(Boolean).join(", ")];
  const shown = cellTexts.join("|");
  if (row.dataset.shown !== shown) row.replaceChildren(...cells(shot, cellTexts));
  row.dataset.shown = shown;
  row.classList.toggle("last", isLast);
  row.classList.toggle("corrected", isCorrected);
  row.classList.toggle("recent", shot.recent);
  row.classList.toggle("not-shot", !counts(shot));
  row.classList.toggle("sighter", shot.sighter);
}

function cells(shot, [where, previous, value, name, flight, speed, at, noted]) {
  return [element("th", { scope: "row" }, where),
    element("td", { class: "value" }, ...(previous ? [element("s", {}, previous), " "] : []),
      element("span", { "aria-label": spoken(shot), role: "img" }, value)),
    element("td", { class: "name" }, name), element("td", { class: "number" }, flight), element("td", { class: "number" }, speed),
    element("td", { class: "optional" }, at ? clock(at) : texts.none), element("td", { class: "note" }, noted)];
}
