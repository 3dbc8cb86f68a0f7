"""Clocks of this host: the only place that pairs the wall clock with the monotonic clock.

Durations and comparisons use CLOCK_MONOTONIC (``time.monotonic_ns`` on Linux). It counts from the host's boot, so a
value is meaningful only beside the host's boot id. It does not count while the host sleeps; a hub does not sleep.
UTC is for people and for other hosts.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from drivers.clock.instant import EPOCH, ClockPair, Instant

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""Linux makes a new one at every boot; CLOCK_MONOTONIC is comparable only while it stays the same."""
_MACHINE_ID: Final = Path("/etc/machine-id")
"""Made when the system is installed; a container may have none."""
_HOSTS: Final = UUID("5b0c3a0e-6a0f-4f0b-9a53-5d9b6b2a7c11")
"""Namespace of host ids: the machine id itself stays on its machine."""
_SAMPLES: Final = 5
_UNDISTURBED_NS: Final = 20_000
"""Longest gap between the monotonic readings around an undisturbed reading of the wall clock."""


@cache
def host_boot_id() -> UUID:
    """The id of this host's current boot."""
    return UUID(_BOOT_ID.read_text(encoding="ascii").strip())


@cache
def host_id() -> UUID | None:
    """The id of this host, the same at every boot; None for a host without a machine id."""
    try:
        machine = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return uuid5(_HOSTS, machine) if machine else None


def clock_pair() -> ClockPair:
    """Read both clocks at one instant.

    The wall clock is read between two readings of the monotonic clock; of up to five samples the one with the shortest
    gap counts, because a longer gap means that the process was interrupted.
    """
    best_gap_ns, best = None, ClockPair(0, 0)
    for _ in range(_SAMPLES):
        before = time.monotonic_ns()
        utc = time.time_ns()
        after = time.monotonic_ns()
        gap_ns = after - before
        if best_gap_ns is None or gap_ns < best_gap_ns:
            best_gap_ns, best = gap_ns, ClockPair.read_between(before, utc, after)
        if gap_ns <= _UNDISTURBED_NS:
            break
    return best


def host_now() -> Instant:
    """The present instant on both clocks of this host."""
    return clock_pair().instant(host_boot_id())


async def remote_now(read_clock: Callable[[], Awaitable[datetime]]) -> Instant:
    """The present instant by a wall clock that takes long to read, and by this host's monotonic clock.

    The monotonic clock is read before and after: the instant is off by at most half of the time that the reading takes.
    """
    before_ns = time.monotonic_ns()
    at = await read_clock()
    return instant_between(before_ns, at, time.monotonic_ns())


def instant_between(before_ns: int, at: datetime, after_ns: int) -> Instant:
    """The instant that another wall clock shows, read between two readings of this host's monotonic clock."""
    utc_ns = (at - EPOCH) // timedelta(microseconds=1) * 1000
    return ClockPair.read_between(before_ns, utc_ns, after_ns).instant(host_boot_id())


def utc_of(mono_ns: int) -> datetime:
    """The aware UTC instant of a monotonic one, by the wall clock as it is now."""
    return clock_pair().utc_of(mono_ns)
