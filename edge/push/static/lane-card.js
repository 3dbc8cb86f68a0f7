// One lane in short: its face with the end that is being shot, the last value, the total, and what is wrong with its devices.
import { element, svg } from "./dom.js";
import { rings } from "./rings.js";
import { call, counts, spoken, totals } from "./scoring.js";

/** Of the picture's width: to be seen from afar, whatever the face. */
const DOT = 0.022;

export function fillCard(card, range, devices, at) {
  const shots = range.shots(at);
  const last = shots.filter(counts).at(-1);
  const sums = totals(shots);
  const troubles = devices.filter((device) => device.state !== "ready").map((device) => `${device.id} ${device.state}`);
  if (range.orphans.length) troubles.push(`${range.orphans.length} to sort out`);
  const { session, target } = range;
  const about = session ? `${target ? `${Number(target.distance)} m · ` : ""}${session.is_opened ? `${sums.arrows} arrows` : "closed"}` : "no session";
  card.dataset.lane = range.lane;
  card.replaceChildren(
    element("span", { class: "name" }, `Lane ${range.lane}`),
    element("span", { class: "about" }, about),
    picture(range, shots, last),
    element("span", { class: "figure last" }, element("small", {}, "Last "), element("b", { role: "img", "aria-label": last ? spoken(last) : "no shot yet" }, last ? call(last) : "–")),
    element("span", { class: "figure total" }, element("small", {}, "Total "), element("b", {}, String(sums.sum))),
    ...(troubles.length ? [element("span", { class: "trouble" }, troubles.join(", "))] : []));
}

function picture({ target, faces }, shots, last) {
  if (!target || !faces.length) return element("span", { class: "no-face" });
  const reach = faces.map((face) => [face.x, face.y, face.radii.at(-1) * 1.05]);
  const [left, right] = [Math.min(...reach.map(([x, , r]) => x - r)), Math.max(...reach.map(([x, , r]) => x + r))];
  const [low, high] = [Math.min(...reach.map(([, y, r]) => y - r)), Math.max(...reach.map(([, y, r]) => y + r))];
  const size = Math.max(right - left, high - low);
  const current = shots.filter((shot) => counts(shot) && shot.x !== null && shot.end === last?.end);
  return svg("svg", { viewBox: `${left} ${-high} ${right - left} ${high - low}`, "aria-hidden": "true" },
    // The butt is part of the picture: as a background it would fill the card, whatever its shape.
    svg("rect", { class: "butt", x: left, y: -high, width: right - left, height: high - low, rx: size * 0.02 }),
    ...faces.map((face) => rings(face, { transform: `translate(${face.x} ${-face.y})` })),
    ...current.map((shot) => svg("circle", { class: shot === last ? "dot last" : "dot", cx: shot.x, cy: -shot.y, r: size * DOT })));
}
