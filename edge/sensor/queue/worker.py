"""The disk worker: moves readings to the disk when the database does not take them in time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from drivers.contract import ClockModel
from edge.common.process.progress import Tick, no_tick
from edge.sensor.queue.durable import DurableQueue

PATIENCE_S: Final = 2.0
"""Longest time a reading waits for the database before it goes to the disk."""
GATHER_S: Final = 0.05
"""Time readings gather for one write once the spool is in use.

A node has 32 events in flight, so this bounds its throughput; a longer time spares the disk.
"""
BATCH_LIMIT: Final = 2000
"""Reports of one write."""
RETRY_S: Final = 1.0
"""Pause after the disk refused."""
CHECK_S: Final = 1.0
"""Interval between checks of an inbox that holds only clocks, or of a spool that another daemon holds."""
IDLE_S: Final = 15.0
"""Interval between checks of an empty inbox, which prove to the watchdog that this loop runs; a report ends it at once."""


class DiskWorker:
    """Moves reports to the disk that have waited for :data:`PATIENCE_S`. Idle while the database keeps up.

    Once the disk has rows every newer report goes there, too, until the writer has emptied it, so the order is kept.
    ``remember`` takes the clocks that an earlier daemon spooled, newest first.
    """

    def __init__(
        self, queue: DurableQueue, remember: Callable[[Iterable[ClockModel]], None], tick: Tick = no_tick
    ) -> None:
        self._queue = queue
        self._remember = remember
        self._tick = tick

    async def run(self) -> None:
        """Open the rows of an earlier daemon, then watch the queue until cancelled."""
        inbox, spool = self._queue.inbox, self._queue.spool
        while True:
            self._tick()
            if not spool.owned:
                self._remember(await self._queue.open_disk())
            age_s = inbox.oldest_age_s()
            patience_s = GATHER_S if spool.size.rows else PATIENCE_S
            if age_s >= patience_s:
                if not await self._queue.move_to_disk(BATCH_LIMIT):
                    await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            elif age_s > 0:
                await asyncio.sleep(min(patience_s - age_s, CHECK_S))
            elif len(inbox):
                await asyncio.sleep(min(patience_s, CHECK_S))
            else:
                await inbox.wait(IDLE_S if spool.owned else CHECK_S)

    async def finish(self, timeout_s: float) -> None:
        """Move the rest to the disk within ``timeout_s``. Reports that stay behind are not acknowledged."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while len(self._queue.inbox) and await self._queue.move_to_disk(BATCH_LIMIT):
                    pass
