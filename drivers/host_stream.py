"""Streams of devices that report no boot id: the hub starts, numbers and polls them.

Pure: instants and clock readings come from the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

from drivers.clock.instant import ClockPair, Stamp
from drivers.contract import Pulse, StreamStart

MISSED_POLLS: Final = 3
"""Missing answers after which a polled device is silent."""


class HostStream:
    """The present stream of one device: its id, the numbers of its events, its starts and pulses.

    Each start makes a new stream. No event of an earlier one follows, because such a device keeps none.
    """

    def __init__(self, host_boot_id: UUID, new_id: Callable[[], UUID] = uuid4) -> None:
        self.stream_id = new_id()
        self.last_seq = 0
        """Number of the last event; 0 before the first one."""
        self._host_boot_id = host_boot_id
        self._new_id = new_id
        self._is_started = False

    def start(self, stamp: Stamp, blind_since: Stamp | None = None, reason: str | None = None) -> StreamStart:
        """Start a stream at ``stamp``: the first one under the present id, a later one under a new id.

        ``blind_since`` is the instant from which events may be missing, for ``reason``; None for every instant that no
        pulse covers.
        """
        if self._is_started:
            self.stream_id = self._new_id()
            self.last_seq = 0
        self._is_started = True
        return StreamStart(self.stream_id, stamp, blind_since, reason=reason)

    def next_seq(self) -> int:
        """The number of a new event."""
        self.last_seq += 1
        return self.last_seq

    def pulse(self, stamp: Stamp) -> Pulse:
        """A sign of life: every event up to the last number, and no other, happened before ``stamp``."""
        return Pulse(self.stream_id, self.last_seq, stamp)

    def stamp(self, at_ns: int, pair: ClockPair, uncertainty_s: float) -> Stamp:
        """The stamp of an instant of this host's CLOCK_MONOTONIC, half width in seconds."""
        return Stamp(pair.utc_of(at_ns), at_ns, self._host_boot_id, uncertainty_s)


class Poll:
    """The question by which a device without a heartbeat proves that it is alive and has reported everything.

    At most one request is open, so that its answer proves the instant at which it was sent.
    """

    def __init__(self, interval_ns: int, now_ns: int) -> None:
        self.due_ns = now_ns
        """Instant of the next request."""
        self.unanswered = 0
        """Consecutive requests without an answer."""
        self._interval_ns = interval_ns
        self._sent_ns: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request awaits its answer."""
        return self._sent_ns is not None

    def sent(self, now_ns: int) -> None:
        """A request was sent. An open one counts as unanswered."""
        self.unanswered += self.is_open
        self._sent_ns = now_ns
        self.due_ns = now_ns + self._interval_ns

    def answered(self) -> int | None:
        """An answer arrived: the instant at which its request was sent; None if no request was open."""
        sent_ns, self._sent_ns = self._sent_ns, None
        if sent_ns is not None:
            self.unanswered = 0
        return sent_ns

    def withdrawn(self, due_ns: int) -> None:
        """The open request will have no answer, for a reason that is known: it does not count. Ask again at ``due_ns``."""
        self._sent_ns = None
        self.due_ns = due_ns
