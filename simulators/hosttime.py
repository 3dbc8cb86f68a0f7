"""The simulator's time: UTC as it was when the process started, carried on by the monotonic clock.

A step of the host's wall clock moves nothing here: what was shot was shot.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class HostTime:
    """One pair of readings, taken as close together as can be."""

    utc_us: int
    mono_ns: int

    @classmethod
    def anchor(cls) -> HostTime:
        """Take the pair; of a few samples the one with the shortest time between the clocks."""
        _, utc_us, mono_ns = min(_sample() for _ in range(_SAMPLES))
        return cls(utc_us, mono_ns)

    def now_us(self) -> int:
        """Return the instant now in microseconds since the Unix epoch."""
        return self.utc_us + (time.monotonic_ns() - self.mono_ns) // 1000


def _sample() -> tuple[int, int, int]:
    """Read both clocks: (nanoseconds that took, UTC in microseconds, monotonic in nanoseconds)."""
    before = time.monotonic_ns()
    utc_ns = time.time_ns()
    after = time.monotonic_ns()
    return after - before, utc_ns // 1000, (before + after) // 2
