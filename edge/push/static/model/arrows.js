// The table of arrows. Pure: the hub's statistics in, rows out.
import { language, texts } from "../texts/index.js";
import { arrow, millimetres } from "./format.js";

/** One row per arrow, by its name. advice: the text on an arrow that flies elsewhere than the others, null for a good one. */
export function arrowRows(statistics) {
  return statistics.arrows.map(({ arrow_tag: tag, name: registered, totals, bias }) => {
    const name = arrow({ human_identifier: registered, arrow_tag: tag });
    return { name, n: totals.arrows, average: totals.average, dx: bias.dx_mm, dy: bias.dy_mm, error: bias.error_mm,
      advice: bias.is_suspect ? texts.arrowTable.check(name, millimetres(bias.bias_mm), bias.placed) : null };
  }).sort((a, b) => a.name.localeCompare(b.name, language, { numeric: true }));
}
