// The explanation of the selected shot, else of the last one, in words and in a picture of the shaft on the face.
import { measured, place } from "../model/format.js";
import { call, spoken } from "../model/score.js";
import { faceOf, reasons } from "../model/why.js";
import { texts } from "../texts/index.js";
import { definitions, svg } from "./dom.js";
import { rings } from "./face.js";

/** Reach of the picture around the shaft, to each side. */
const AROUND_MM = 30;

export function showWhy(section, shot, faces) {
  section.classList.toggle("blank", !shot);
  section.querySelector("h2").textContent = shot ? texts.why.heading(call(shot)) : texts.page.why;
  if (!shot) {
    for (const part of [".which", "dl", ".closeup"]) section.querySelector(part).replaceChildren();
    return;
  }
  section.querySelector(".which").textContent = texts.why.which(place(shot));
  section.querySelector("dl").replaceChildren(...definitions(reasons(shot, faces)));
  const face = faceOf(shot, faces);
  section.querySelector(".closeup").replaceChildren(...(face && shot.diameter_mm ? [closeUp(shot, face)] : []));
}

function closeUp(shot, face) {
  const [x, y] = [shot.x - face.x, face.y - shot.y];
  return svg("svg", { viewBox: `${x - AROUND_MM} ${y - AROUND_MM} ${2 * AROUND_MM} ${2 * AROUND_MM}`, role: "img",
    "aria-label": texts.why.closeUp(spoken(shot), measured(2 * AROUND_MM, 0, texts.units.mm)) },
  svg("rect", { class: "butt", x: x - AROUND_MM, y: y - AROUND_MM, width: 2 * AROUND_MM, height: 2 * AROUND_MM }),
  rings(face), svg("circle", { class: "shaft", cx: x, cy: y, r: shot.diameter_mm / 2 }));
}
