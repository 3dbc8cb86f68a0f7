"""Refusals: what clients do that the server does not serve, counted by cause and logged as a transition, never per request.

A client cannot fill the log: each cause is logged once when it begins, and once, with its count, when it has ended.
"""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum

from edge.common.process.logs import Transitions

log = logging.getLogger(__name__)

QUIET_S = 30.0
"""Time without a refusal after which its cause counts as ended."""


class Cause(StrEnum):
    """Cause of a refusal, as counted in ``/metrics`` and ``/healthz``."""

    REJECTED = "rejected"
    """The API answered a request with an error of the client."""
    TOO_SLOW = "too_slow"
    """No request arrived within the deadline: a connection kept in reserve, a lost phone, or a half-open request."""
    INVALID_REQUEST = "invalid_request"
    UNKNOWN_HOST = "unknown_host"
    OTHER_ORIGIN = "other_origin"
    WRONG_TOKEN = "wrong_token"  # noqa: S105 - the name of a cause
    ADDRESS_FULL = "address_full"
    STREAMS_FULL = "streams_full"
    CONNECTIONS_FULL = "connections_full"
    NO_DESCRIPTOR = "no_descriptor"


_LOGGED = {
    Cause.INVALID_REQUEST: "a client sent what is not HTTP",
    Cause.UNKNOWN_HOST: "the page was opened under a foreign name; if it is one of this machine, add it to ARCH_STATS_SERVER_NAMES",
    Cause.OTHER_ORIGIN: "a page of another site wanted the stream; if it is a proxy's, add its name to ARCH_STATS_SERVER_NAMES",
    Cause.WRONG_TOKEN: "a client gave a wrong operator token; if the token was changed, let the operators enter the new one",
    Cause.ADDRESS_FULL: "one address has too many connections; if it is a proxy's, raise ARCH_STATS_CONNECTIONS_PER_ADDRESS",
    Cause.STREAMS_FULL: "too many streams are open; further ones get 503",
    Cause.CONNECTIONS_FULL: "all connections are in use; those without a request are closed, the oldest first",
    Cause.NO_DESCRIPTOR: "no file descriptor is free; raise the limit (LimitNOFILE= of the unit, ulimit -n)",
}
"""The causes that are logged, with the line's text. The others are part of every day."""

SHORTAGES = (Cause.NO_DESCRIPTOR, Cause.CONNECTIONS_FULL, Cause.STREAMS_FULL)
"""Causes that make the service ``degraded``, the worst first: not every client is served."""


_COUNTED_BEFORE = frozenset({401, 403, 421, 429})
"""Statuses of responses that have causes of their own."""


class RefusingState(StrEnum):
    """Whether clients are refused for a cause, as logged."""

    REFUSING = "refusing"
    QUIET = "no longer"


class Refusals:
    """Counts refusals since the start of the process. To be used on a running event loop."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self.counts = dict.fromkeys(Cause, 0)
        self._quiet_s = quiet_s
        self._logs = {cause: Transitions(log, f"clients, {cause}") for cause in _LOGGED}
        self._last_at: dict[Cause, float] = {}
        """Instant of the last refusal, on the loop's clock, of each cause that has not ended."""
        self._timer: asyncio.TimerHandle | None = None

    def count(self, cause: Cause, detail: str = "") -> None:
        """Count a refusal. ``detail`` is logged, for the first few that differ."""
        self.counts[cause] += 1
        if cause not in _LOGGED:
            return
        loop = asyncio.get_running_loop()
        self._last_at[cause] = loop.time()
        self._logs[cause].enter(RefusingState.REFUSING, f"{_LOGGED[cause]} ({detail})" if detail else _LOGGED[cause])
        if self._timer is None:
            self._timer = loop.call_later(self._quiet_s, self._end_quiet)

    def count_response(self, status: int) -> None:
        """Count an error response to a client, unless its cause was counted already."""
        if 400 <= status < 500 and status not in _COUNTED_BEFORE:
            self.count(Cause.REJECTED)

    @property
    def shortage(self) -> Cause | None:
        """The worst shortage that has not ended; None without one."""
        return next((cause for cause in SHORTAGES if cause in self._last_at), None)

    def close(self) -> None:
        """Log the end of every cause."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for cause in list(self._last_at):
            self._end(cause)

    def _end_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for cause, last_at in list(self._last_at.items()):
            if last_at + self._quiet_s <= loop.time():
                self._end(cause)
        if self._last_at:
            self._timer = loop.call_at(min(self._last_at.values()) + self._quiet_s, self._end_quiet)

    def _end(self, cause: Cause) -> None:
        del self._last_at[cause]
        self._logs[cause].enter(RefusingState.QUIET)
