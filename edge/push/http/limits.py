"""Limits on the head of a request: its target, its headers, and their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edge.push.http.envelope import ApiError, RequestRejected, reject

LONGEST_TARGET: Final = 8 * 1024
"""Most bytes of a path with its query."""
LONGEST_HEAD: Final = 16 * 1024
"""Most bytes of a head: its first line and all headers."""
MOST_HEADERS: Final = 100
"""Most headers of a request; browsers send about 20."""


_LENGTHS: Final = {b"content-length", b"transfer-encoding"}


def target_too_long() -> RequestRejected:
    """Return the answer to an address that is too long (414)."""
    return reject(414, "target_too_long", f"the address of the request is above {LONGEST_TARGET // 1024} kB")


def head_too_long() -> RequestRejected:
    """Return the answer to headers that are too long or too many (431)."""
    message = f"the headers of the request are above {LONGEST_HEAD // 1024} kB, or more than {MOST_HEADERS}"
    return reject(431, "headers_too_large", message)


def check_head(target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise RequestRejected for a head beyond a limit: 414 for its target, 431 for its headers, 400 for two lengths of its body.

    The parser ends a head that grows beyond them; one that arrives as a whole it accepts at any length.
    """
    if len(target) > LONGEST_TARGET:
        raise target_too_long()
    headers = list(headers)
    if {name.lower() for name, _ in headers} >= _LENGTHS:  # a proxy and this server would part the requests differently
        error = ApiError("invalid_request", "a request has Content-Length or Transfer-Encoding, not both")
        raise RequestRejected(400, (error,), {"connection": "close"})
    sizes = [len(name) + len(value) + 4 for name, value in headers]
    if len(sizes) > MOST_HEADERS or sum(sizes) > LONGEST_HEAD - len(target):
        raise head_too_long()


def cut_head(begun: bytes) -> RequestRejected:
    """Return the answer to a head that the parser cut off, by what had arrived of it."""
    return head_too_long() if b"\n" in begun[: LONGEST_TARGET + 32] else target_too_long()
