// Requests of the operator to the hub: with the name, with the token where the hub wants it, and each one once.
import { operator } from "./access.js";
import { Cancelled, Refusal, Unanswered } from "./failures.js";
import { askToken } from "./view/access.js";

/** Longest wait for an answer: some requests wait until the session is computed again. */
const DEADLINE_MS = 20_000;
const UNAUTHORIZED = 401;

/** Read a resource. Returns { data, etag }; raises Refusal or Unanswered. */
export function read(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given);
  return once("GET", given.length ? `${path}?${query}` : path, {});
}

/**
 * Change something: { body, ifMatch, deadlineMs } where the path takes them. Where the hub wants the operator token the page asks for it,
 * and repeats the request. Returns { data, etag }; raises Refusal, Unanswered or Cancelled.
 */
export async function change(method, path, given = {}) {
  for (let tried = false; ; tried = true) {
    const token = operator.token;
    try {
      return await once(method, path, given);
    } catch (failure) {
      if (!(failure instanceof Refusal) || failure.status !== UNAUTHORIZED) throw failure;
      // Another dialog may have got it meanwhile.
      if (token === operator.token && !(await askToken(tried || Boolean(token)))) throw new Cancelled();
    }
  }
}

async function once(method, path, { body, ifMatch, deadlineMs = DEADLINE_MS }) {
  const headers = { "Archstats-Operator": encodeURIComponent(operator.name) };
  if (!operator.name) delete headers["Archstats-Operator"];
  if (operator.token) headers.Authorization = `Bearer ${operator.token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch) headers["If-Match"] = ifMatch;
  let response, envelope;
  try {
    response = await fetch(`api/v0/${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store", signal: AbortSignal.timeout(deadlineMs),
    });
    const text = await response.text();
    envelope = text ? JSON.parse(text) : { data: null, errors: [] };
  } catch (failure) {
    throw new Unanswered(failure.message);
  }
  const etag = response.headers.get("ETag");
  if (!response.ok) throw new Refusal(response.status, envelope, etag);
  return { data: envelope.data, etag };
}
