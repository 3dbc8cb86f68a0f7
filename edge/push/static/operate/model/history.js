// Past sessions as texts, and the addresses of their files. Pure.
import { distance, fixed, millimetres, whole } from "../../model/format.js";
import { locale } from "../../texts/index.js";
import { texts } from "../../texts/operate/index.js";
import { faceName } from "./session.js";

const WHEN = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** The files of a session: pairs of an address below /api/v0 and its text. */
export function filesOf(id) {
  const { history } = texts;
  return [
    [`session/${id}/scoresheet.html`, history.sheet], [`session/${id}/certificate.html`, history.certificate],
    [`session/${id}/export.csv`, history.csv], [`session/${id}/ends.csv`, history.ends],
  ];
}

/** One past session as texts, with a line for each archer; one without a name where the archers are not known. */
export function historyRow(one) {
  const { history } = texts;
  const parts = [history.lane(one.lane), one.distance_m === null ? null : distance(one.distance_m), [...new Set(one.faces)].map(faceName).join(" + "), one.location];
  return { id: one.id, when: WHEN.format(new Date(one.start_time)), about: parts.filter(Boolean).join(" · "), archers: one.archers.map((archer) => archerLine(archer, one.archers.length > 1)) };
}

function archerLine(one, isShared) {
  const { history } = texts;
  const facts = [texts.arrows(one.arrows), history.points(whole(one.points))];
  if (one.average !== null) facts.push(history.average(fixed(one.average, 2)));
  if (one.spread) facts.push(history.spread(millimetres(one.spread.sigma_mm)));
  if (one.best && !one.is_best) facts.push(history.bestWas(whole(one.best.points)));
  return { name: one.archer ?? one.slot ?? (isShared ? history.noArcher : ""), facts: facts.join(" · "), isBest: one.is_best };
}
