// Numbers and durations as people read them.

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

export function clock(instant) {
  return new Date(instant).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

/** "3-2": second arrow of the third end. */
export function place(shot) {
  if (!shot.inEnd) return "–";
  return shot.end ? `${shot.end}-${shot.inEnd}` : String(shot.inEnd);
}

export function arrow(shot) {
  if (shot.human_identifier) return shot.human_identifier;
  if (shot.arrow_tag) return `unknown ${shot.arrow_tag.slice(0, 2).toUpperCase()}..${shot.arrow_tag.slice(-2).toUpperCase()}`;
  return "?";
}

export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}
