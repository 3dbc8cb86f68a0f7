// The table of arrows. Pure: the hub's statistics in, rows out.
import { locale, texts } from "../texts/index.js";
import { arrow, millimetres } from "./format.js";

/** Numbers of the arrows that are not registered, by their tag, in the order of their first shot: the same on every screen. */
export function arrowNumbers(ordered) {
  const numbers = new Map();
  for (const { human_identifier: name, arrow_tag: tag } of ordered) {
    if (!name && tag && !numbers.has(tag)) numbers.set(tag, numbers.size + 1);
  }
  return numbers;
}

/** One row per arrow, by its name; numbers: those of arrowNumbers. advice: the text on an arrow that flies elsewhere than the others, null for a good one. */
export function arrowRows(statistics, numbers = new Map()) {
  return statistics.arrows.map(({ arrow_tag: tag, name: registered, totals, bias }) => {
    const name = arrow({ human_identifier: registered, arrow_tag: tag, arrowNumber: numbers.get(tag) });
    return { name, n: totals.arrows, average: totals.average, dx: bias.dx_mm, dy: bias.dy_mm, error: bias.error_mm,
      advice: bias.is_suspect ? texts.arrowTable.check(name, millimetres(bias.bias_mm), bias.placed) : null };
  }).sort((a, b) => a.name.localeCompare(b.name, locale, { numeric: true }));
}
