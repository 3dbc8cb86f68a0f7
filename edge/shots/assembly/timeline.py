"""The time axis of one session, and intervals on it.

Within one boot of a host CLOCK_MONOTONIC decides, so that a step of the wall clock moves no shot. Between boots of one host
their order decides, and UTC the distance. Where neither is known, UTC decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drivers.clock.instant import Instant
from edge.shots.assembly.boots import BootOrder, Order

NO_BOOTS = BootOrder()
"""No boot is recorded: UTC decides between boots."""


class Axis:
    """Converts instants to seconds since the session's start.

    Each boot is tied to UTC by one instant: the session's start for its own boot, the first recorded pair of clocks for a
    later boot of that host, else the boot's earliest instant. So the axis depends on the stored rows alone, and not on the
    order in which they arrived. A later boot begins after the last known instant of the one before it, whatever its wall clock.
    """

    def __init__(self, start: Instant, others: Iterable[Instant] = (), boots: BootOrder = NO_BOOTS) -> None:
        self._start = start
        self._zero = start.at
        self._boots = boots
        self._ties: dict[UUID, tuple[int, float]] = {}
        self._start_boot = start.host_boot_id if start.mono_ns is not None else None
        self._later: set[UUID] = set()
        """The later boots of the start's host that were placed so far."""
        for instant in others:
            self.tie(instant)
        if self._start_boot is not None and start.mono_ns is not None:
            self._ties[self._start_boot] = (start.mono_ns, 0.0)

    def tie(self, instant: Instant) -> bool:
        """Take the instant of another reading; returns whether it moves its boot on the axis."""
        boot, mono_ns = instant.host_boot_id, instant.mono_ns
        if boot is None or mono_ns is None or boot == self._start_boot or self._is_later(boot):
            return False
        if boot in self._ties and self._ties[boot][0] <= mono_ns:
            return False
        self._ties[boot] = (mono_ns, self._by_wall_clock(instant.at))
        return True

    def seconds_of(self, instant: Instant) -> float:
        """The seconds from the session's start to an instant."""
        boot = instant.host_boot_id
        is_later = self._is_later(boot)
        if boot is not None and instant.mono_ns is not None and boot in self._ties:
            mono_ns, tied_at = self._ties[boot]
            return tied_at + (instant.mono_ns - mono_ns) / 1e9
        t = self._by_wall_clock(instant.at)
        if boot is not None and is_later:
            return max(t, self._ties[boot][1])
        if self._boots.order(boot, self._start.host_boot_id) is Order.BEFORE:
            return min(t, -(self._start.mono_ns or 0) / 1e9)
        return t

    def utc_of(self, t: float) -> datetime:
        """The aware UTC time of ``t`` seconds, by the wall clock as it was set at the session's start."""
        return self._zero + timedelta(seconds=t)

    def _is_later(self, boot: UUID | None) -> bool:
        """Whether a boot follows that of the start. It is placed with its first instant: a hub has thousands of boots, and a
        session readings of one or two.
        """
        if boot is None or boot in self._ties:
            return boot in self._later
        if self._boots.order(boot, self._start.host_boot_id) is not Order.AFTER:
            return False
        zero = max(self._by_wall_clock(self._boots.boots[boot].zero_at), self._boots.placed_after(self._start, boot))
        self._ties[boot] = (0, zero)
        self._later.add(boot)
        return True

    def _by_wall_clock(self, at: datetime) -> float:
        return (at - self._zero).total_seconds()


@dataclass(frozen=True, slots=True)
class BlindInterval:
    """Interval in which a device detected nothing."""

    device_id: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class LaneAssignment:
    """Interval in which a device is assigned to the lane; ``until`` itself is outside."""

    since: float = -math.inf
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class PreviousSession:
    """The last session of the lane before this one."""

    closes: float
    """Releases up to this instant belong to it."""
    lands_until: float
    """Landings without a release belong to it up to this instant: the arrow may have flown before the closing."""
