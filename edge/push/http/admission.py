"""Admission of connections: how many are open, how many of one address, and which of them have sent no request yet.

A connection without a request has a deadline, and gives way to a new one when all are in use. So a healthy client is
served whatever silent or half-open connections lie there; streams never give way.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Protocol

from edge.common.process.descriptors import descriptor_limit, is_descriptor_free
from edge.push.http.envelope import reject
from edge.push.http.refusals import Cause, Refusals

MAX_STREAMS = 2000
"""Most open streams; a hub is sized for a thousand."""
MAX_CONNECTIONS = 4096
"""Most open connections: every stream, and as many more for requests."""
OWN_DESCRIPTORS = 64
"""Descriptors of the process beside its clients: PostgreSQL, listening sockets, the event loop, journal."""
REQUEST_WITHIN_S = 10.0
"""Time for a complete request head, from the connection's start or from the last response."""
MARGIN_PER_ADDRESS = 64
"""Connections of an address above its limit that still get an answer; further ones are closed."""
CLOSED_AT_ONCE = 50
"""Connections closed at their deadline before others are served: thousands would take half a second."""
SWEEP_S = 1.0
"""Interval between checks of deadlines and descriptors, while a connection is open."""


class Connection(Protocol):
    """A connection, as far as it is admitted or closed here."""

    def give_way(self) -> None:
        """Close at once, because a new connection needs the place."""

    def time_out(self) -> None:
        """Close, because no request arrived in time."""


class Streams(Protocol):
    """The open streams."""

    def is_full(self, at_most: int) -> bool:
        """Return whether no further stream is accepted, of which ``at_most`` have connections; counts each rejected one."""


def capacity(descriptors: int) -> int:
    """Return how many connections a process with this limit of descriptors may hold."""
    return max(1, min(MAX_CONNECTIONS, descriptors - min(OWN_DESCRIPTORS, descriptors // 2)))


class Admission:
    """The connections of this process, on one event loop."""

    def __init__(
        self,
        refusals: Refusals,
        per_address: int,
        descriptors: Callable[[], int] = descriptor_limit,
        request_within_s: float | None = None,
    ) -> None:
        self.open = 0
        """Number of open connections."""
        self.limit = capacity(descriptors())
        """Most open connections."""
        self._refusals = refusals
        self._per_address = per_address
        self._descriptors = descriptors
        self._request_within_s = REQUEST_WITHIN_S if request_within_s is None else request_within_s
        self._by_address: Counter[str] = Counter()
        self._waiting: dict[Connection, float] = {}
        """Connections without a request, the oldest first, with their deadlines on the loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def max_streams(self) -> int:
        """Most open streams: a quarter of the connections is left for requests."""
        return min(MAX_STREAMS, self.limit * 3 // 4)

    @property
    def waiting(self) -> int:
        """Number of connections without a request."""
        return len(self._waiting)

    def connect(self, connection: Connection, address: str | None) -> bool:
        """Count a new connection. Returns False when it has to be closed; it is counted until ``disconnect`` all the same."""
        self.open += 1
        if address is not None:
            self._by_address[address] += 1
            if self._per_address and self._by_address[address] > self._per_address + MARGIN_PER_ADDRESS:
                self._refusals.count(Cause.ADDRESS_FULL, address)
                return False
        if self.open > self.limit:
            self._refusals.count(Cause.CONNECTIONS_FULL)
            if not self._make_way():
                return False
        self.await_request(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        return True

    def await_request(self, connection: Connection) -> None:
        """Note that a connection has no request, and give it a deadline."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = asyncio.get_running_loop().time() + self._request_within_s

    def begin_request(self, connection: Connection) -> None:
        """Note that a request has arrived."""
        self._waiting.pop(connection, None)

    def disconnect(self, address: str | None) -> None:
        """Count the end of a connection."""
        self.open -= 1
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def check_stream(self, address: str | None, streams: Streams) -> None:
        """Raise RequestRejected when no further stream is accepted from an address (429), or at all (503)."""
        if streams.is_full(self.max_streams):
            self._refusals.count(Cause.STREAMS_FULL)
            raise reject(503, "too_many_streams", "the server has too many open streams; try again later")
        if address is not None and self._per_address and self._by_address[address] > self._per_address:
            self._refusals.count(Cause.ADDRESS_FULL, address)
            raise reject(
                429, "too_many_from_address",
                f"more than {self._per_address} connections of your address are open; close some, or let the technician"
                " raise ARCH_STATS_CONNECTIONS_PER_ADDRESS",
            )  # fmt: skip

    def close(self) -> None:
        """Stop the checks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self.limit = capacity(self._descriptors())
        for _ in range(self.open - self.limit):  # the limit was lowered
            if self._make_way():
                self._refusals.count(Cause.CONNECTIONS_FULL)
        if not is_descriptor_free():
            self._refusals.count(Cause.NO_DESCRIPTOR)
            for _ in range((len(self._waiting) + 1) // 2):
                self._make_way()
        late = [one for one, deadline in islice(self._waiting.items(), CLOSED_AT_ONCE) if deadline <= loop.time()]
        for connection in late:
            del self._waiting[connection]
            self._refusals.count(Cause.TOO_SLOW)
            connection.time_out()
        pause_s = SWEEP_S if len(late) < CLOSED_AT_ONCE else 0.0
        self._timer = loop.call_later(pause_s, self._sweep) if self.open else None

    def _make_way(self) -> bool:
        """Close the oldest connection without a request. Returns False when there is none."""
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        del self._waiting[oldest]
        oldest.give_way()
        return True


def counted_address(client: tuple[str, int] | None) -> str | None:
    """Return the address by which a connection is counted; None for this machine, which may be a proxy for everyone."""
    if client is None:
        return None  # a unix socket
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return None if (mapped or address).is_loopback else sys.intern(client[0])
