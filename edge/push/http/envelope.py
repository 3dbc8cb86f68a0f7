"""The envelope ``{"code", "data", "errors"}`` of every API response, errors included."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from starlette.responses import Response

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""Headers that keep browsers from loading foreign content, framing the page and guessing media types."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One entry of ``errors``: a stable code for programs, a sentence for people, and its location in the request."""

    code: str
    message: str
    loc: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the entry as it is sent, with ``loc`` only if it is known."""
        entry: dict[str, object] = {"code": self.code, "message": self.message}
        if self.loc:
            entry["loc"] = list(self.loc)
        return entry


class RequestRejected(Exception):
    """Raised by a handler to respond with ``status``, ``errors`` and ``data: null``.

    A plain class: Python sets the traceback of an exception that leaves a context manager, which a frozen one forbids.
    """

    def __init__(self, status: int, errors: tuple[ApiError, ...], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors
        self.headers = dict(headers or {})


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


def error_response(status: int, errors: Sequence[ApiError], extra_headers: dict[str, str] | None = None) -> Response:
    """Return an error: the envelope with ``data: null`` and at least one entry in ``errors``."""
    body = json.dumps({"code": status, "data": None, "errors": [error.as_json() for error in errors]})
    return Response(body, status, headers(extra_headers), media_type="application/json")
