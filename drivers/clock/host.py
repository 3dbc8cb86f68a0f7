"""One instant on this host, on the wall clock and on the monotonic clock alike."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Linux makes a new one at every boot; CLOCK_MONOTONIC is comparable only while it stays the same."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HostInstant:
    """The same instant three ways."""

    at: datetime
    """Aware UTC."""
    mono_ns: int
    """CLOCK_MONOTONIC in nanoseconds."""
    boot_id: UUID
    """The boot within which ``mono_ns`` means something."""


@cache
def boot_id() -> UUID:
    """The id of this host's current boot."""
    return UUID(BOOT_ID.read_text().strip())


def now() -> HostInstant:
    """Read both clocks: the wall clock between two readings of the monotonic one, half way of which it is put."""
    before = time.monotonic_ns()
    wall_ns = time.time_ns()
    after = time.monotonic_ns()
    return HostInstant(EPOCH + timedelta(microseconds=wall_ns // 1000), (before + after) // 2, boot_id())
