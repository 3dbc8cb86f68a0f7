// Numbers, durations and directions as people read them. Pure.

export function fixed(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

export function age(value) {
  if (value === null || !Number.isFinite(value)) return "";
  const whole = Math.max(0, Math.floor(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

const CLOCK = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export function clock(instant) {
  return CLOCK.format(new Date(instant));
}

/** "3-2": second arrow of the third end; "S1-2": of the first end of sighters. */
export function place(shot) {
  if (!shot.inEnd) return "–";
  return shot.endName ? `${shot.endName}-${shot.inEnd}` : String(shot.inEnd);
}

export function arrow(shot) {
  if (shot.human_identifier) return shot.human_identifier;
  if (shot.arrow_tag) return `unknown ${shot.arrow_tag.slice(0, 2).toUpperCase()}..${shot.arrow_tag.slice(-2).toUpperCase()}`;
  return "?";
}

/** A number and its unit, which no line break may part. */
export function measured(value, digits, unit) {
  return `${fixed(value, digits)}\u00a0${unit}`;
}

/** As many digits as an archer can use. */
export function millimetres(value) {
  return measured(value, Math.abs(value) < 9.95 ? 1 : 0, "mm");
}

/** An offset as the archer sees it, looking at the target: "34 mm left, 12 mm high". */
export function offset(dx, dy) {
  return `${millimetres(Math.abs(dx))} ${dx < 0 ? "left" : "right"}, ${millimetres(Math.abs(dy))} ${dy < 0 ? "low" : "high"}`;
}

/** Items by what key gives for each, in the order of their first. */
export function grouped(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}
