"""The envelope ``{"code", "data", "errors"}`` that every answer of the API has, also a refusal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import formatdate

from starlette.responses import Response

# Nothing is loaded from elsewhere, nothing may frame the page, and no answer is taken for another type than it says.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of ``errors``: a stable code for programs, a sentence for people, and where it is."""

    code: str
    message: str
    loc: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The entry as it is sent; ``loc`` only where there is one."""
        told: dict[str, object] = {"code": self.code, "message": self.message}
        if self.loc:
            told["loc"] = list(self.loc)
        return told


@dataclass(frozen=True)
class Refusal(Exception):
    """Raised by a handler to answer with ``status`` and ``problems`` and ``data: null``."""

    status: int
    problems: tuple[Problem, ...]
    headers: dict[str, str] = field(default_factory=dict)


def refuse(status: int, code: str, message: str, *loc: str) -> Refusal:
    """A refusal of one problem, to be raised."""
    return Refusal(status, (Problem(code, message, loc),))


def headers(extra: dict[str, str] | None = None) -> dict[str, str]:
    """What every answer carries: its date, the security headers, and that it may not be reused unasked."""
    return {"date": formatdate(usegmt=True), "cache-control": "no-cache"} | SECURITY_HEADERS | (extra or {})


def answer(data_json: str | bytes, status: int = 200) -> Response:
    """A success. ``data_json`` is JSON already: PostgreSQL writes it, so that no value is rounded on its way."""
    data = data_json.encode() if isinstance(data_json, str) else data_json
    body = b'{"code":%d,"data":%b,"errors":[]}' % (status, data)
    return Response(body, status, headers(), media_type="application/json")


def refusal(status: int, problems: Sequence[Problem], extra_headers: dict[str, str] | None = None) -> Response:
    """A refusal: the envelope with ``data: null`` and at least one problem."""
    body = json.dumps({"code": status, "data": None, "errors": [problem.as_json() for problem in problems]})
    return Response(body, status, headers(extra_headers), media_type="application/json")
