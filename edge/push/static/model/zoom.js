// The part of the target that the picture shows: all faces, or the group. Pure: millimetres in and out; a box is { x, y, size }, y pointing down.

/** Room around the shots, as a part of the box. */
const MARGIN = 0.12;
/** Least part of the whole picture that is shown: the lines around a very small group stay in view. */
const LEAST = 0.18;
/** A group within this part of the whole picture is shown larger by itself. */
const SMALL = 0.5;
/** A group beyond this part is not worth a change of the picture. */
const WORTH = 0.8;
/** Arrows from which the picture changes by itself. */
const FROM_ARROWS = 3;

/** The square that holds circles { x, y, r }; null without any. */
export function around(circles) {
  if (!circles.length) return null;
  const left = Math.min(...circles.map(({ x, r }) => x - r));
  const right = Math.max(...circles.map(({ x, r }) => x + r));
  const top = Math.min(...circles.map(({ y, r }) => y - r));
  const bottom = Math.max(...circles.map(({ y, r }) => y + r));
  const size = Math.max(right - left, bottom - top);
  return { x: (left + right - size) / 2, y: (top + bottom - size) / 2, size };
}

/** The square that shows a group: the given shots with room around them, never less than a part of the whole; null where that is no gain. */
export function groupBox(whole, shots) {
  const tight = around(shots);
  if (!whole || !tight) return null;
  const size = Math.max(tight.size * (1 + 2 * MARGIN), whole.size * LEAST);
  if (size > whole.size * WORTH) return null;
  const [x, y] = [tight.x + tight.size / 2, tight.y + tight.size / 2];
  return { x: x - size / 2, y: y - size / 2, size };
}

/** Whether the picture shows the group by itself: of several arrows, in a small part of the whole. */
export function isSmall(whole, box, arrows) {
  return box !== null && arrows >= FROM_ARROWS && box.size <= whole.size * SMALL;
}

/** The box at a part of the way from one to another, slow at both ends. */
export function between(from, to, part) {
  const eased = part * part * (3 - 2 * part);
  const mix = (a, b) => a + (b - a) * eased;
  return { x: mix(from.x, to.x), y: mix(from.y, to.y), size: mix(from.size, to.size) };
}
