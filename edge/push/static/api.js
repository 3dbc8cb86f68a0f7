// Questions to the hub. Addresses are relative to the page, so that it also works behind a path prefix.

const DEADLINE_MS = 5000;

/** An answer that the hub gave and that is none: it is there, but cannot help now. */
export class Refused extends Error {}

export async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null));
  const response = await fetch(`api/v0/${path}?${query}`, { signal: AbortSignal.timeout(DEADLINE_MS), cache: "no-store" });
  const envelope = await response.json();
  if (envelope.errors.length) throw new Refused(envelope.errors[0].message);
  return envelope.data;
}

/** The stream of a lane, of all lanes when null. */
export function eventsAddress(lane, since) {
  return `api/v0/events?${new URLSearchParams(lane === null ? { since } : { lane, since })}`;
}
