"""The bounded memory of the queue: reports on their way from the driver to the database."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from drivers.contract import ClockModel, Reading, StreamStart

Storable = Reading | StreamStart | ClockModel
"""A report that leaves a row in the database."""
ReportKey = tuple[int, int]
"""Stream as a number, which hashes faster than a UUID, and the event's number; starts and clocks have one below zero."""

CONTROL_ROOM: Final = 64
"""Places for stream starts and clocks beyond the capacity: without them readings lose their meaning."""


def key_of(report: Storable) -> ReportKey:
    """Identity of a report: a repeated event has the same key."""
    if isinstance(report, Reading):
        return (report.stream_id.int, report.seq)
    return (report.stream_id.int, -1 if isinstance(report, StreamStart) else -2)


class Inbox:
    """Reports that are not durable yet, oldest first, each event once.

    A full inbox turns new readings away and counts them. A device that waits for an acknowledgement keeps them.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self.turned_away = 0
        self._waiting: OrderedDict[ReportKey, tuple[Storable, float]] = OrderedDict()
        self._filled = asyncio.Event()
        self._dated: OrderedDict[UUID, None] = OrderedDict()
        """The latest streams of which a clock is durable."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, report: Storable) -> bool:
        """Take in a report; False when there is no room for it."""
        key = key_of(report)
        if key in self._waiting:
            if not isinstance(report, Reading):
                self._waiting[key] = (report, self._waiting[key][1])  # the newer clock takes the place of the older
            return True
        room = self.capacity if isinstance(report, Reading) else self.capacity + CONTROL_ROOM
        if len(self._waiting) >= room:
            self.turned_away += 1
            return False
        self._waiting[key] = (report, time.monotonic())
        self._filled.set()
        return True

    async def wait(self, timeout_s: float) -> bool:
        """Wait until the inbox holds a report, at most ``timeout_s``; False when it is still empty."""
        if not self._waiting:
            self._filled.clear()
            try:
                async with asyncio.timeout(max(timeout_s, 0.0)):
                    await self._filled.wait()
            except TimeoutError:
                return False
        return True

    def oldest_age_s(self) -> float:
        """Age in seconds of the oldest urgent report; 0 without one.

        Only a better clock of a stream is not urgent. The first one is: without it a later daemon cannot date the events
        that the device sends again.
        """
        for report, since in self._waiting.values():
            if not isinstance(report, ClockModel) or report.stream_id not in self._dated:
                return time.monotonic() - since
        return 0.0

    def oldest(self, limit: int) -> list[Storable]:
        """Up to ``limit`` of the oldest, which stay until :meth:`remove`: a failed write loses nothing."""
        return [report for _, (report, _) in zip(range(limit), self._waiting.values(), strict=False)]

    def remove(self, reports: list[Storable]) -> None:
        """Remove durable reports. A clock that was replaced in the meantime stays."""
        for report in reports:
            key = key_of(report)
            if isinstance(report, Reading):
                self._waiting.pop(key, None)
                continue
            waiting = self._waiting.get(key)
            if waiting is not None and waiting[0] is report:
                del self._waiting[key]
            if isinstance(report, ClockModel):
                self._dated[report.stream_id] = None
                if len(self._dated) > CONTROL_ROOM:
                    self._dated.popitem(last=False)
