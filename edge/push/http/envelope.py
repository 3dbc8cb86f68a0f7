"""The envelope ``{"code", "data", "errors"}`` of every API response, errors included."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from starlette.responses import Response

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
"""Headers that keep browsers from loading foreign content, framing the page and guessing media types."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One entry of ``errors``: a stable code for programs, a sentence for people, and its location in the request."""

    code: str
    message: str
    loc: tuple[str, ...] = ()
    hint: str | None = None
    """Next step of the client, where the message does not name it."""

    def as_json(self) -> dict[str, object]:
        """Return the entry as it is sent, with ``loc`` and ``hint`` only if they are known."""
        entry: dict[str, object] = {"code": self.code, "message": self.message}
        if self.loc:
            entry["loc"] = list(self.loc)
        if self.hint:
            entry["hint"] = self.hint
        return entry


class RequestRejected(Exception):
    """Raised by a handler to respond with ``status``, ``errors`` and ``data: null``.

    A plain class: Python sets the traceback of an exception that leaves a context manager, which a frozen one forbids.
    """

    def __init__(
        self,
        status: int,
        errors: tuple[ApiError, ...],
        headers: Mapping[str, str] | None = None,
        data_json: str | None = None,
    ) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors
        self.headers = dict(headers or {})
        self.data_json = data_json
        """The row as it is now, where the request was about an earlier state of it."""


def reject(status: int, code: str, message: str, *loc: str) -> RequestRejected:
    """Return the exception for a single error, to be raised."""
    return RequestRejected(status, (ApiError(code, message, loc),))


def headers(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the headers of every response: date, security headers, and no reuse without a check."""
    return {"date": formatdate(usegmt=True), "cache-control": "no-cache"} | SECURITY_HEADERS | (extra or {})


def data_response(data_json: str | bytes, status: int = 200) -> Response:
    """Return a success. ``data_json`` is JSON as PostgreSQL writes it, so that no value is rounded on its way."""
    data = data_json.encode() if isinstance(data_json, str) else data_json
    body = b'{"code":%d,"data":%b,"errors":[]}' % (status, data)
    return Response(body, status, headers(), media_type="application/json")


def error_response(
    status: int,
    errors: Sequence[ApiError],
    extra_headers: dict[str, str] | None = None,
    data_json: str | None = None,
) -> Response:
    """Return an error: the envelope with at least one entry in ``errors``, and ``data: null`` unless data is given.

    A 422 lists the places of its errors under ``detail`` as well, as clients of the original API expect.
    """
    listed = [error.as_json() for error in errors]
    envelope: dict[str, object] = {"code": status, "data": None, "errors": listed}
    if status == 422:
        envelope["detail"] = [{"type": error.code, "loc": list(error.loc), "msg": error.message} for error in errors]
    body = json.dumps(envelope)
    if data_json is not None:
        body = body.replace('"data": null', f'"data": {data_json}', 1)
    return Response(body, status, headers(extra_headers), media_type="application/json")
