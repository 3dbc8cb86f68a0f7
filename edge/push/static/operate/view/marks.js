// Marks in the table of ends: the arrows and sums that a second scorer has entered otherwise than the sensors.
import { texts } from "../../texts/operate/index.js";
import { byId, element } from "../../view/dom.js";
import { archerOf, compare, entriesOf, rowOf, sensorValues, sumOf } from "../model/paper.js";
import { pointsOfX } from "../model/values.js";
import { Refusal, Unanswered } from "../failures.js";
import { read } from "../send.js";

export class PaperMarks {
  #session = null;
  #entries = [];
  /** The hub did not answer: the next change of the lane loads the entries again. */
  #isStale = false;

  constructor(lane) {
    this.lane = lane;
  }

  /** Mark the rows that the page has drawn; entries are loaded with each session. */
  draw() {
    const id = this.lane.range.session?.id ?? null;
    if (id !== this.#session) {
      this.#session = id;
      this.#entries = [];
      this.load();
    } else if (this.#isStale) {
      this.load();
    }
    this.clear();
    for (const entry of this.#entries) this.#mark(entry);
  }

  /** Load what the second scorers of the session have entered. */
  async load() {
    const id = this.#session;
    this.#isStale = false;
    if (!id) return;
    try {
      const { data } = await read(`session/${id}/paper`);
      if (id !== this.#session) return;
      this.#entries = entriesOf(data);
      this.draw();
    } catch (failure) {
      if (!(failure instanceof Refusal || failure instanceof Unanswered)) throw failure; // the page's banner shows a hub that is away
      if (id === this.#session) this.#isStale = true;
    }
  }

  clear() {
    for (const mark of byId("ends").querySelectorAll(".paper-mark")) mark.remove();
    for (const cell of byId("ends").querySelectorAll(".paper-differs")) cell.classList.remove("paper-differs");
  }

  #mark({ slot, end_number: number, values }) {
    const { range } = this.lane;
    const shots = this.lane.shots();
    const letter = archerOf(range.slots, slot);
    const row = byId("ends").querySelector(`tr[data-end="${number}"][data-letter="${rowOf(shots, number, letter)}"]`);
    if (!row) return;
    const differing = compare(values, sensorValues(shots, number, letter)).filter((one) => one.differs);
    if (!differing.length) return;
    row.classList.add("paper-differs");
    const cells = [...row.querySelectorAll("td.arrow")].reverse();
    for (const { sensor } of differing.filter((one) => one.sensor)) {
      cells.find((cell) => cell.textContent === sensor && !cell.classList.contains("paper-differs"))?.classList.add("paper-differs");
    }
    const faces = range.facesOf({ slot, flags: [] });
    const sum = sumOf(values, pointsOfX(faces, range.session.x_points));
    row.querySelector(".sum")?.append(element("span", { class: "paper-mark" }, texts.paper.mark(sum)));
  }
}
