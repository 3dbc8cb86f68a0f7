// A lane's faces with the arrows of the current end, small and without controls.
import { counts } from "../model/score.js";
import { groupBox, isSmall } from "../model/zoom.js";
import { element, svg } from "./dom.js";
import { rings } from "./face.js";

/** Radius of a dot, as a part of the picture's size: visible from afar on a face of any size. */
const DOT = 0.022;

/** group: the hub's; with it a small group fills the picture, as on a screen that is watched from afar. */
export function picture({ target, faces }, shots, last, group = null) {
  if (!target || !faces.length) return element("span", { class: "no-face" });
  const reach = faces.map((face) => [face.x, face.y, face.radii.at(-1) * 1.05]);
  const [left, right] = [Math.min(...reach.map(([x, , r]) => x - r)), Math.max(...reach.map(([x, , r]) => x + r))];
  const [low, high] = [Math.min(...reach.map(([, y, r]) => y - r)), Math.max(...reach.map(([, y, r]) => y + r))];
  const size = Math.max(right - left, high - low);
  const current = shots.filter((shot) => counts(shot) && shot.x !== null && shot.end === last?.end);
  const near = group && nearBox(faces, shots, current, group, { x: left, y: -high, size });
  const box = near ? [near.x, near.y, near.size, near.size] : [left, -high, right - left, high - low];
  return svg("svg", { viewBox: box.join(" "), "aria-hidden": "true" },
    // The butt is part of the drawing: a background would fill the whole card.
    svg("rect", { class: "butt", x: left, y: -high, width: right - left, height: high - low, rx: size * 0.02 }),
    ...faces.map((face) => rings(face, { transform: `translate(${face.x} ${-face.y})` })),
    ...current.map((shot) => svg("circle", { class: shot === last ? "dot last" : "dot", cx: shot.x, cy: -shot.y, r: (near?.size ?? size) * DOT })));
}

function nearBox(faces, shots, current, group, whole) {
  if (faces.length > 1 || !group.r95_mm) return null;
  const [face] = faces;
  const box = groupBox(whole, [{ x: face.x + group.dx_mm, y: -face.y - group.dy_mm, r: group.r95_mm },
    ...current.map((shot) => ({ x: shot.x, y: -shot.y, r: 0 }))]);
  return isSmall(whole, box, shots.length) ? box : null;
}
