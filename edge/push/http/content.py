"""Content that is ready to send: compressed once, with an entity tag for each encoding."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from edge.push.http.envelope import headers

VARY = {"vary": "accept-encoding"}
SMALL_BYTES = 1400
"""Bytes that fit in one packet, so that their compression saves nothing."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body in one content encoding."""

    body: bytes
    etag: str
    coding: str | None


class Content:
    """A file as it is and compressed; a request gets the one that it accepts."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self._media_type = media_type
        tag = digest(body)
        self._plain = Encoded(body, f'"{tag}"', None)
        packed = gzip.compress(body, mtime=0)  # without the time, so that equal files have equal bytes
        is_smaller = len(packed) < len(body)
        self._packed = Encoded(packed, f'"{tag}-gzip"', "gzip") if is_smaller else self._plain

    def respond(self, request: Request, cache_control: str) -> Response:
        """Return the content, or 304 when the request names its entity tag."""
        chosen = self._packed if accepts_gzip(request.headers.get("accept-encoding", "")) else self._plain
        extra = {"etag": chosen.etag, "cache-control": cache_control} | VARY
        if chosen.etag in _known_tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers(extra))
        if chosen.coding is not None:
            extra["content-encoding"] = chosen.coding
        return Response(chosen.body, headers=headers(extra), media_type=self._media_type)


def compressed(request: Request, response: Response) -> Response:
    """Return an answer with its body compressed, if it is large and the request accepts that.

    The lowest level makes a session of 72 arrows, 100 kB, eight times smaller in a millisecond.
    """
    response.headers.update(VARY)
    body = bytes(response.body)
    if len(body) < SMALL_BYTES or not accepts_gzip(request.headers.get("accept-encoding", "")):
        return response
    response.body = gzip.compress(body, compresslevel=1)
    response.headers.update({"content-encoding": "gzip", "content-length": str(len(response.body))})
    return response


def digest(body: bytes) -> str:
    """Return a short name of a content, equal only for equal content."""
    return hashlib.sha256(body).hexdigest()[:16]


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a request accepts gzip, by its header ``Accept-Encoding`` (RFC 9110, 12.5.3)."""
    quality = {"gzip": 0.0, "*": 0.0}
    named = set()
    for entry in accept_encoding.lower().split(","):
        coding, _, parameter = entry.partition(";")
        if coding.strip() in quality:
            named.add(coding.strip())
            quality[coding.strip()] = _quality(parameter)
    return quality["gzip" if "gzip" in named else "*"] > 0


def _quality(parameter: str) -> float:
    """Return the weight of an entry, 1 without one and 0 for one that is no number."""
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _known_tags(if_none_match: str) -> set[str]:
    """Return the entity tags of a header; a weak one matches too (RFC 9110, 13.1.2)."""
    return {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
