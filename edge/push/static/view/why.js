// "Why this value": the chosen shot, else the last one, explained in words and in a picture of where the shaft lies.
import { element, svg } from "./dom.js";
import { rings } from "./rings.js";
import { call, spoken } from "./scoring.js";
import { faceOf, reasons } from "./why.js";
import { place } from "./words.js";

/** The picture shows so much around the shaft, to each side. */
const AROUND_MM = 30;

export function showWhy(section, shot, faces) {
  section.hidden = !shot;
  if (!shot) return;
  section.querySelector("h2").textContent = `Why ${call(shot)}`;
  section.querySelector(".which").textContent = `shot ${place(shot)}`;
  section.querySelector("dl").replaceChildren(...reasons(shot, faces).map(([term, text]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, text))));
  const face = faceOf(shot, faces);
  section.querySelector(".closeup").replaceChildren(...(face && shot.diameter_mm ? [closeUp(shot, face)] : []));
}

function closeUp(shot, face) {
  const [x, y] = [shot.x - face.x, face.y - shot.y];
  return svg("svg", { viewBox: `${x - AROUND_MM} ${y - AROUND_MM} ${2 * AROUND_MM} ${2 * AROUND_MM}`, role: "img",
    "aria-label": `The shaft on the face, ${spoken(shot)}: ${2 * AROUND_MM} mm around it` },
  svg("rect", { class: "butt", x: x - AROUND_MM, y: y - AROUND_MM, width: 2 * AROUND_MM, height: 2 * AROUND_MM }),
  rings(face), svg("circle", { class: "shaft", cx: x, cy: y, r: shot.diameter_mm / 2 }));
}
