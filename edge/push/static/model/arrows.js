// Each arrow against the group, to find one that flies elsewhere. Pure: shots in, rows out.
import { language } from "../texts/index.js";
import { arrow, grouped } from "./format.js";
import { located, middle, spread, squares } from "./group.js";
import { counts, totals } from "./score.js";

/** Repeated shots of arrows, over all arrows, from which their own scatter is known well enough for a judgement. */
const REPEATS_FROM = 5;
/** Standard errors on one axis beyond which an arrow should be checked. */
const BEYOND = 3;

/**
 * One row per arrow, by its name: number of shots, average, and mean place relative to the group's, with the standard
 * error. The error comes from each arrow's scatter about its own mean, so that one bad arrow does not hide itself; with
 * too few repeats it is null. A single shot of an arrow is never judged: it may be the archer's error.
 */
export function arrowReport(shots, faces) {
  const named = shots.filter((shot) => counts(shot) && !shot.sighter && (shot.arrow_id || shot.arrow_tag));
  const places = located(named, faces);
  const all = located(shots, faces);
  const centre = all.length ? middle(all) : null;
  const placesOf = grouped(places, key);
  const repeats = places.length - placesOf.size;
  const own = repeats >= REPEATS_FROM
    ? spread([...placesOf.values()].reduce((sum, points) => sum + squares(points), 0), repeats).value : null;
  const elsewhere = own ? flyingElsewhere(placesOf, all, own) : new Set();
  return [...grouped(named, key)].map(([id, flown]) => {
    const points = placesOf.get(id) ?? [];
    const mine = points.length ? middle(points) : null;
    return { id, name: arrow(flown[0]), n: flown.length, placed: points.length, average: totals(flown).average,
      dx: mine && mine.dx - centre.dx, dy: mine && mine.dy - centre.dy,
      error: mine && own !== null ? errorOf(own, points.length, all.length) : null, beyond: elsewhere.has(id) };
  }).sort((a, b) => a.name.localeCompare(b.name, language, { numeric: true }));
}

/** The farthest arrow beyond the limit is removed and the rest is judged again: it draws the group's mean away from the good ones. */
function flyingElsewhere(placesOf, all, own) {
  const found = new Set();
  for (;;) {
    const rest = all.filter((point) => !found.has(key(point)));
    const centre = middle(rest);
    const far = [...placesOf].filter(([id, points]) => !found.has(id) && points.length > 1 && points.length < rest.length)
      .map(([id, points]) => {
        const mine = middle(points);
        const away = Math.max(Math.abs(mine.dx - centre.dx), Math.abs(mine.dy - centre.dy));
        return { id, errors: away / errorOf(own, points.length, rest.length) };
      })
      .sort((a, b) => b.errors - a.errors);
    if (!far.length || far[0].errors <= BEYOND) return found;
    found.add(far[0].id);
  }
}

/** The group's mean includes the arrow: the variance of the difference is sigma^2 (1/k - 1/n). */
function errorOf(sigma, k, n) {
  return k < n ? sigma * Math.sqrt(1 / k - 1 / n) : null;
}

function key(shot) {
  return shot.arrow_id ?? shot.arrow_tag;
}
