"""The bounded waiting room between the device and the database."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from uuid import UUID

from drivers.contract import ClockModel, Reading, StreamStart

Storable = Reading | StreamStart | ClockModel
Key = tuple[type[Storable], UUID, int]


def key_of(report: Storable) -> Key:
    """What makes two reports the same one: a re-sent event takes no second place."""
    return (type(report), report.stream_id, report.seq if isinstance(report, Reading) else 0)


CONTROL_ROOM = 64
"""Beginnings and clocks of streams still find room where readings do not: without them readings mean less."""


class Inbox:
    """What the device told and nothing durable holds yet, oldest first, each event once.

    When it is full new readings are turned away and counted. A device that waits for an acknowledgement keeps them.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self.turned_away = 0
        self._waiting: OrderedDict[Key, tuple[Storable, float]] = OrderedDict()
        self._filled = asyncio.Event()
        self._dated: OrderedDict[UUID, None] = OrderedDict()
        """Streams of which a clock is durable, the newest."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, report: Storable) -> bool:
        """Take a report in; False when there is no room for it."""
        key = key_of(report)
        if key in self._waiting:
            if not isinstance(report, Reading):
                self._waiting[key] = (report, self._waiting[key][1])  # the newer clock replaces the one that waits
            return True
        room = self.capacity if isinstance(report, Reading) else self.capacity + CONTROL_ROOM
        if len(self._waiting) >= room:
            self.turned_away += 1
            return False
        self._waiting[key] = (report, time.monotonic())
        self._filled.set()
        return True

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something is there, at most ``timeout_s``; tells whether there is."""
        if not self._waiting:
            self._filled.clear()
            try:
                async with asyncio.timeout(max(timeout_s, 0.0)):
                    await self._filled.wait()
            except TimeoutError:
                return False
        return True

    def oldest_age_s(self) -> float:
        """How long the oldest has waited; a better clock of a stream is not urgent and counts as 0.

        The first one is: without it nobody who comes later can date what the device sends again.
        """
        for report, since in self._waiting.values():
            if not isinstance(report, ClockModel) or report.stream_id not in self._dated:
                return time.monotonic() - since
        return 0.0

    def oldest(self, limit: int) -> list[Storable]:
        """Up to ``limit`` of the oldest, which stay here until :meth:`remove`: a failed write forgets nothing."""
        return [report for _, (report, _) in zip(range(limit), self._waiting.values(), strict=False)]

    def remove(self, reports: list[Storable]) -> None:
        """Let go of what is now durable. A clock that was replaced meanwhile stays."""
        for report in reports:
            key = key_of(report)
            waiting = self._waiting.get(key)
            if waiting is not None and waiting[0] is report:
                del self._waiting[key]
            if isinstance(report, ClockModel):
                self._dated[report.stream_id] = None
                if len(self._dated) > CONTROL_ROOM:
                    self._dated.popitem(last=False)
