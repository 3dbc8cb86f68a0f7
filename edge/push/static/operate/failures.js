// Reasons why a request of the operator was not carried out.

/** The hub answers, and refuses: status, the entries of the envelope's errors, its data, and the ETag of the row as it is now. */
export class Refusal extends Error {
  constructor(status, envelope, etag = null) {
    super(envelope?.errors?.[0]?.message ?? String(status));
    Object.assign(this, { status, errors: envelope?.errors ?? [], data: envelope?.data ?? null, etag });
  }
}

/** No answer arrived, so it is not known whether the hub has carried the request out. */
export class Unanswered extends Error {}

/** The operator did not enter what the request needs. */
export class Cancelled extends Error {}
