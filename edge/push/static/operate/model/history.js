// Past sessions as rows of text, and the addresses of their files. Pure.
import { fixed, millimetres, short, whole } from "../../model/format.js";
import { language } from "../../texts/index.js";
import { texts } from "../../texts/operate/index.js";
import { faceName } from "./session.js";

const WHEN = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/** The files of a session: pairs of an address below /api/v0 and its text. */
export function filesOf(id) {
  const { history } = texts;
  return [
    [`session/${id}/scoresheet.html`, history.sheet], [`session/${id}/certificate.html`, history.certificate],
    [`session/${id}/export.csv`, history.csv], [`session/${id}/ends.csv`, history.ends],
  ];
}

/** One past session as texts. */
export function historyRow(one) {
  const { history } = texts;
  const best = one.best_points === null || one.best_points === undefined ? null : history.points(whole(one.points), whole(one.best_points));
  return {
    id: one.id,
    when: WHEN.format(new Date(one.start_time)),
    about: [history.lane(one.lane), one.distance_m && history.distance(short(Number(one.distance_m))), [...new Set(one.face_codes ?? [])].map(faceName).join(" + "),
      one.location].filter(Boolean).join(" · "),
    archer: one.archer ?? null,
    result: [texts.arrows(one.arrows), best].filter(Boolean).join(" · "),
    average: one.average === null ? texts.none : fixed(one.average, 2),
    spread: one.spread_mm === null || one.spread_mm === undefined ? texts.none : millimetres(one.spread_mm),
    isBest: Boolean(one.is_personal_best),
  };
}
