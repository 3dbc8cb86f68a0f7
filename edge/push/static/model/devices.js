// The devices of a lane: severity of a state, and the text below it. Pure: a device as the hub sends it in, texts out.
import { texts } from "../texts/index.js";
import { age } from "./format.js";
import { DeviceState } from "./vocabulary.js";

/** Time after a restart of a sensor for which the page mentions it. */
const RESTARTED_S = 600;

const LEVELS = {
  [DeviceState.READY]: "good", [DeviceState.SILENT]: "bad", [DeviceState.LOST]: "bad", [DeviceState.STOPPED]: "bad",
};

/** "good", "warn" or "bad". */
export function level(device) {
  return LEVELS[device.state] ?? "warn";
}

export function stateText(state) {
  return texts.devices.states[state] ?? state;
}

/** Whether its clock and the target's are too far apart; a degraded device that chatters says so in its error. */
export function clockIsOff(device) {
  return device.state === DeviceState.DEGRADED && !device.chatters;
}

/** The fault and the advice, "" without any. */
export function advice(device) {
  return [device.error, device.hint, clockIsOff(device) && texts.devices.clockOff].filter(Boolean).join(" ");
}

/** Restart, battery and age of a device. now and the device's times: milliseconds of one clock. */
export function condition(device, now) {
  const known = (value) => value !== null && value !== undefined;
  const parts = [];
  const upS = known(device.restarted) ? (now - device.restarted) / 1000 : Infinity;
  if (upS < RESTARTED_S) parts.push(texts.devices.restarted(age(upS)));
  if (known(device.battery_percent)) parts.push(texts.devices.battery(device.battery_percent));
  parts.push(known(device.age_s) ? texts.devices.heard(age(device.age_s + (now - device.heard) / 1000)) : texts.devices.neverHeard);
  return parts.join(" · ");
}
