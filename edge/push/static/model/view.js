// The view that a page shows. Pure: parameters of the address and facts of the screen in, the view out.

/** Least width of a wall screen in CSS pixels: one without mouse and touch, and any. The second is wider than an operator's monitor. */
const WALL_WIDTH = 1600;
const WALL_WIDTH_OF_ANY = 2200;

/** Whether the value of a parameter switches its view on: any but 0, also none. */
export function isAsked(value) {
  return value !== undefined && value !== null && value !== "0";
}

/**
 * The view of an address, "overlay", "wall", "overview" or "lane"; isAutomatic: an address that names no view and no lane becomes
 * the wall on a wide screen, unless an operator uses the browser. given: the parameters by name; screen: { width, hasPointer }.
 */
export function viewOf(given, screen, isOperating) {
  for (const name of ["overlay", "wall"]) if (isAsked(given[name])) return { view: name, isAutomatic: false };
  if (given.lane !== undefined) return { view: given.lane === "all" ? "overview" : "lane", isAutomatic: false };
  const isNamed = ["overlay", "wall", "spectator"].some((name) => given[name] !== undefined);
  const isWide = screen.width >= (screen.hasPointer ? WALL_WIDTH_OF_ANY : WALL_WIDTH);
  return !isNamed && isWide && !isOperating ? { view: "wall", isAutomatic: true } : { view: "lane", isAutomatic: false };
}
