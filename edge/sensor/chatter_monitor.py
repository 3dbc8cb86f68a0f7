"""Watches one device for chatter: reports it in the status and in the log, and lets batches grow meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from edge.common.process.logs import Transitions
from edge.sensor.chatter import WINDOW_S, ChatterFilter, Judgement
from edge.sensor.queue.inbox import Storable
from edge.sensor.status import Status

NUMBERS_INTERVAL_S: Final = 10.0
"""Interval between two texts of the status row while the device chatters."""
GROW_S: Final = 0.03
"""Longest pause after a batch that was all surplus, in which the next one grows.

It bounds the commits to a few tens a second. A node has 32 events in flight, so a longer pause would let its own queue overflow.
"""
LARGE_BATCH: Final = 200
"""Rows of a batch that need not grow: at this size the commits are few."""
HINT: Final = (
    "Check the sensor's mounting, cable and threshold; unplug it to stop it. Shots of that time are unknown where their landing is "
    "left out: judge them with `archstats-sensor shots correct`."
)

log = logging.getLogger(__name__)


class ChatterState(StrEnum):
    """Whether a device chatters, as logged."""

    CHATTERS = "chatters"
    CALM = "calm"


class ChatterMonitor:
    """Judges the batches of one device, and reports chatter until :data:`WINDOW_S` after the last surplus reading."""

    def __init__(self, device_id: str, status: Status) -> None:
        self.surplus = 0
        """Surplus readings stored since the daemon started."""
        self._filter = ChatterFilter()
        self._status = status
        self._state_log = Transitions(log, device_id)
        self._surplus_before = 0
        """``surplus`` when the device began to chatter."""
        self._surplus_at = self._numbers_at = float("-inf")
        self._grows_from = float("-inf")

    def judge(self, reports: Sequence[Storable]) -> Judgement:
        """Decide which readings of a batch are surplus."""
        judgement = self._filter.judge(reports)
        if judgement.surplus:
            self._surplus_at = time.monotonic()
            if self._status.chatter is None:
                self._begin()
        return judgement

    def on_stored(self, reports: Sequence[Storable]) -> None:
        """Count the surplus readings of a stored batch; after a small one that is all surplus, the next one may grow."""
        surplus = self._filter.on_stored(reports)
        self.surplus += surplus
        if surplus and surplus == len(reports) < LARGE_BATCH:
            self._grows_from = time.monotonic()

    async def let_batch_grow(self) -> None:
        """Wait the rest of :data:`GROW_S` after a batch that was all surplus."""
        pause_s = self._grows_from + GROW_S - time.monotonic()
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    def check(self) -> None:
        """Bring the status up to date."""
        now = time.monotonic()
        if self._status.chatter is None:
            return
        if now >= self._surplus_at + WINDOW_S:
            self._end()
        elif now >= self._numbers_at + NUMBERS_INTERVAL_S and self._surplus_at > self._numbers_at:
            self._status.chatter, self._numbers_at = self._filter.describe(), now

    def _begin(self) -> None:
        self._surplus_before, self._numbers_at = self.surplus, time.monotonic()
        self._status.chatter, self._status.chatter_hint = self._filter.describe(), HINT
        self._status.changed = True
        self._state_log.enter(ChatterState.CHATTERS, self._status.chatter)

    def _end(self) -> None:
        self._filter.end_chatter()
        self._status.chatter = self._status.chatter_hint = None
        self._status.changed = True
        left_out = self.surplus - self._surplus_before
        self._state_log.enter(ChatterState.CALM, f"{left_out:,} readings are left out of shots")
