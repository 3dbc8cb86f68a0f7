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


def planned_trials(count: int, *, from_s: float = 0.4, every_s: float = 0.15) -> list[PlannedTrial]:
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
        await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds() + LATENCY_S))
        self.act(kind)

    def act(self, kind: ReadingKind) -> None:
        """Nock or release now."""
        threshold = int(self.settings["threshold"])
        if threshold <= EDGE:
            self._sense(kind)
        if threshold <= NOISE and kind is ReadingKind.ENGAGE:
            self._sense(ReadingKind.RELEASE)
            self._sense(ReadingKind.ENGAGE)
        self.beat()

    def beat(self) -> None:
        """Send a heartbeat."""
        now = host_now()
        stamp = Stamp(now.at, now.mono_ns, host_boot_id(), 0.0001)
        self.delivered.put_nowait(Pulse(STREAM, self._seq, stamp))

    def _sense(self, kind: ReadingKind) -> None:
        self._seq += 1
        now = host_now()
        stamp = Stamp(now.at, now.mono_ns, host_boot_id(), 0.0001)
        self.delivered.put_nowait(Reading("bow-1", STREAM, self._seq, kind, stamp, now.at, Source.SIMULATOR))
