"""The simulator's time: UTC at the start of the process, continued by the monotonic clock.

A step of the host's wall clock does not move the simulated events.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from drivers.clock.host import clock_pair


@dataclass(frozen=True, slots=True)
class HostTime:
    """One paired reading of both clocks."""

    utc_us: int
    mono_ns: int

    @classmethod
    def anchor(cls) -> HostTime:
        """Pair both clocks now."""
        pair = clock_pair()
        return cls(pair.utc_ns // 1000, pair.mono_ns)

    def now_us(self) -> int:
        """Return the current instant in microseconds since the Unix epoch."""
        return self.utc_us + (time.monotonic_ns() - self.mono_ns) // 1000
