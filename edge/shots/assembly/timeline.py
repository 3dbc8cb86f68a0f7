"""One comparable axis for instants of several clocks.

Within one boot of a host CLOCK_MONOTONIC decides, so that a step of the wall clock moves no shot. Between boots, and where
the monotonic instant is not known, UTC decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from drivers.clock.instant import Instant


class Axis:
    """Seconds since the axis' zero, which is the session's start.

    Each boot is tied to UTC by one moment: the session's start for its own boot, else the boot's earliest moment, so the
    axis depends on the rows alone and not on the order in which they came.
    """

    def __init__(self, start: Instant, others: Iterable[Instant] = ()) -> None:
        self._zero = start.at
        self._ties: dict[UUID, tuple[int, float]] = {}
        for moment in sorted(
            (m for m in others if m.host_boot_id and m.mono_ns is not None), key=lambda m: m.mono_ns or 0
        ):
            if moment.host_boot_id is not None and moment.mono_ns is not None:
                self._ties.setdefault(moment.host_boot_id, (moment.mono_ns, self._wall(moment.at)))
        if start.host_boot_id is not None and start.mono_ns is not None:
            self._ties[start.host_boot_id] = (start.mono_ns, 0.0)

    def place(self, moment: Instant) -> float:
        """Where a moment lies."""
        if moment.host_boot_id is not None and moment.mono_ns is not None and moment.host_boot_id in self._ties:
            mono_ns, wall = self._ties[moment.host_boot_id]
            return wall + (moment.mono_ns - mono_ns) / 1e9
        return self._wall(moment.at)

    def instant(self, t: float) -> datetime:
        """The UTC instant of a place, as the session's clock had it."""
        return self._zero + timedelta(seconds=t)

    def _wall(self, at: datetime) -> float:
        return (at - self._zero).total_seconds()
