// The list of a lane's devices, with a state and an age that ticks.
import { advice, clockIsOff, condition, level, stateText } from "../model/devices.js";
import { texts } from "../texts/index.js";
import { element } from "./dom.js";

export class Devices {
  #devices = new Map();

  constructor(list) {
    this.list = list;
    setInterval(() => this.#tick(), 1000);
  }

  /** Show the whole list, as the hub sends it. */
  replace(devices) {
    const now = performance.now();
    this.#devices = new Map(devices.map((device) => [device.id, {
      ...device, heard: now, restarted: typeof device.restarted_s === "number" ? now - device.restarted_s * 1000 : null,
    }]));
    this.#draw();
  }

  /** Apply the new state of one device. */
  take(status) {
    const known = this.#devices.get(status.device_id) ?? { id: status.device_id, kind: status.kind };
    this.#devices.set(status.device_id, { ...known, ...status, id: status.device_id, age_s: 0, heard: performance.now() });
    this.#draw();
  }

  /** Whether the clock of one of them is off. */
  get clocksOff() {
    return [...this.#devices.values()].some(clockIsOff);
  }

  #draw() {
    if (!this.#devices.size) {
      this.list.replaceChildren(element("li", { class: "empty" }, texts.devices.none));
      return;
    }
    this.list.replaceChildren(...[...this.#devices.values()].map((device) => {
      const more = advice(device);
      return element("li", { "data-level": level(device), "data-device": device.id },
        element("span", { class: "name" }, device.id), element("span", { class: "state" }, stateText(device.state)),
        element("span", { class: "age" }), ...(more ? [element("span", { class: "more" }, more)] : []));
    }));
    this.#tick();
  }

  #tick() {
    for (const item of this.list.querySelectorAll("[data-device]")) {
      item.querySelector(".age").textContent = condition(this.#devices.get(item.dataset.device), performance.now());
    }
  }
}
