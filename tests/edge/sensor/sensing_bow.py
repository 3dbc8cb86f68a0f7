"""A scripted bow whose edges depend on its threshold, and an archer who shoots at given instants."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from drivers.clock.host import host_boot_id, host_now
from drivers.contract import Pulse, Reading, ReadingKind, Source, Stamp
from edge.cli.calibrating.bow_cues import PlannedTrial
from tests.edge.sensor.reports import STREAM
from tests.edge.sensor.scripted_bow import ScriptedBow

NOISE, EDGE = 70, 180
"""Thresholds from above the first to the second are free of errors."""
LATENCY_S = 0.012


def planned_trials(count: int, *, from_s: float = 0.4, every_s: float = 0.3) -> list[PlannedTrial]:
    """Trials of the next seconds."""
    first = datetime.now(UTC) + timedelta(seconds=from_s)
    starts = [first + timedelta(seconds=number * every_s) for number in range(count)]
    return [PlannedTrial(start, start + timedelta(seconds=every_s / 3)) for start in starts]


class SensingBow(ScriptedBow):
    """Senses edges, and takes handling for edges, as its threshold says."""

    def __init__(self) -> None:
        super().__init__()
        self._seq = 0

    async def shoot(self, planned: Sequence[PlannedTrial]) -> None:
        """Nock and release at these instants."""
        for trial in planned:
            await self._act(trial.engaged_at, ReadingKind.ENGAGE)
            await self._act(trial.released_at, ReadingKind.RELEASE)

    async def shoot_and_beat(self, planned: Sequence[PlannedTrial]) -> None:
        """Do the same, then send heartbeats: the watermark passes the last trial."""
        await self.shoot(planned)
        for _ in range(100):
            self.beat()
            await asyncio.sleep(0.1)

    async def _act(self, at: datetime, kind: ReadingKind) -> None:
        sensed = at + timedelta(seconds=LATENCY_S)
        await asyncio.sleep(max(0.0, (sensed - datetime.now(UTC)).total_seconds()))
        self.act(kind, sensed)

    def act(self, kind: ReadingKind, at: datetime | None = None) -> None:
        """Nock or release, at an instant just past or now."""
        threshold = int(self.settings["threshold"])
        if threshold <= EDGE:
            self._sense(kind, at)
        if threshold <= NOISE and kind is ReadingKind.ENGAGE:
            self._sense(ReadingKind.RELEASE, at)
            self._sense(ReadingKind.ENGAGE, at)
        self.beat()

    def beat(self) -> None:
        """Send a heartbeat."""
        now = host_now()
        stamp = Stamp(now.at, now.mono_ns, host_boot_id(), 0.0001)
        self.delivered.put_nowait(Pulse(STREAM, self._seq, stamp))

    def _sense(self, kind: ReadingKind, at: datetime | None) -> None:
        """Report an edge with its own instant, however late this busy machine runs the bow."""
        self._seq += 1
        now = host_now()
        edge = now.at_utc(min(at or now.at, now.at))
        stamp = Stamp(edge.at, edge.mono_ns, host_boot_id(), 0.0001)
        self.delivered.put_nowait(Reading("bow-1", STREAM, self._seq, kind, stamp, now.at, Source.SIMULATOR))
