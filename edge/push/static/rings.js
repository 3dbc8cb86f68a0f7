// A face as it is printed: one unit of the drawing is one millimetre, the origin its middle.
import { svg } from "./dom.js";

const COLOURS = ["white", "white", "white", "black", "black", "blue", "blue", "red", "red", "gold", "gold"];
const CROSS_MM = 4;

export function rings(face, attributes) {
  const drawn = svg("g", { class: "face-print", ...attributes });
  for (let i = face.radii.length - 1; i >= 0; i--) drawn.append(ring(face.radii[i], COLOURS[Math.min(face.points[i], 10)]));
  if (face.x_radius) drawn.append(ring(face.x_radius, "gold"));
  drawn.append(svg("path", { class: "cross", d: `M${-CROSS_MM / 2} 0H${CROSS_MM / 2}M0 ${-CROSS_MM / 2}V${CROSS_MM / 2}` }));
  return drawn;
}

/** The table's radius is the outer edge of the line, so the line is drawn inside it. */
function ring(radius, colour) {
  return svg("circle", { class: `ring ${colour}`, r: radius - 1, "data-radius": radius });
}
