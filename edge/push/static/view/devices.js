// The lane's devices, with a state and an age that ticks.
import { element } from "./dom.js";
import { age } from "./words.js";

const LEVELS = { ready: "good", degraded: "warn", starting: "warn", waiting: "warn", unknown: "warn", silent: "bad", lost: "bad", stopped: "bad" };
const OFF = "Its clock and the target's are too far apart to time a flight: power on, receiver in reach?";
/** So long a restart is worth a word. */
const RESTARTED_S = 600;

export class Devices {
  #devices = new Map();

  constructor(list) {
    this.list = list;
    setInterval(() => this.#tick(), 1000);
  }

  /** The whole list, as the hub gives it. */
  replace(devices) {
    const now = performance.now();
    this.#devices = new Map(devices.map((device) => [device.id, {
      ...device, heard: now, restarted: typeof device.restarted_s === "number" ? now - device.restarted_s * 1000 : null,
    }]));
    this.#draw();
  }

  /** One device changed its state. */
  take(status) {
    const known = this.#devices.get(status.device_id) ?? { id: status.device_id, kind: status.kind };
    this.#devices.set(status.device_id, { ...known, ...status, id: status.device_id, age_s: 0, heard: performance.now() });
    this.#draw();
  }

  /** Whether the clock of one of them is off. */
  get clocksOff() {
    return [...this.#devices.values()].some((device) => device.state === "degraded");
  }

  #draw() {
    if (!this.#devices.size) {
      this.list.replaceChildren(element("li", { class: "empty" }, "No device on this lane yet."));
      return;
    }
    this.list.replaceChildren(...[...this.#devices.values()].map((device) => {
      const more = [device.error, device.hint, device.state === "degraded" && OFF].filter(Boolean).join(" ");
      return element("li", { "data-level": LEVELS[device.state] ?? "warn", "data-device": device.id },
        element("span", { class: "name" }, device.id), element("span", { class: "state" }, device.state),
        element("span", { class: "age" }), ...(more ? [element("span", { class: "more" }, more)] : []));
    }));
    this.#tick();
  }

  #tick() {
    for (const item of this.list.querySelectorAll("[data-device]")) {
      const device = this.#devices.get(item.dataset.device);
      const heard = device.age_s === null || device.age_s === undefined ? null : device.age_s + (performance.now() - device.heard) / 1000;
      const battery = device.battery_percent === null || device.battery_percent === undefined ? "" : `battery ${device.battery_percent} % · `;
      const up = device.restarted === null || device.restarted === undefined ? Infinity : (performance.now() - device.restarted) / 1000;
      const restarted = up < RESTARTED_S ? `sensor restarted ${age(up)} ago · ` : "";
      item.querySelector(".age").textContent = restarted + battery + (heard === null ? "never heard" : `heard ${age(heard)} ago`);
    }
  }
}
