"""The way out when the database does not take readings in time: from the inbox to the disk, then acknowledged."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from drivers.contract import Reading
from edge.common.process.progress import Tick, no_tick
from edge.sensor.queue.durable import Spool
from edge.sensor.queue.inbox import Inbox, Storable
from edge.sensor.queue.ledger import Watermark
from edge.sensor.reader import DeviceReader

PATIENCE_S = 2.0
"""How long a reading may wait for a database that is away or slow before it goes to the disk."""
GATHER_S = 0.05
"""How long readings gather for one write once the spool is in use.

A node has 32 events in flight, so this bounds what it can deliver; and it spares the disk.
"""
BATCH_LIMIT = 2000
TRY_AGAIN_S = 1.0
"""After the disk refused."""
LOOK_S = 1.0
"""How often an inbox is looked at in which only clocks wait, or a spool that another daemon holds."""
REST_S = 15.0
"""How often an empty inbox is looked at, to show that this loop goes on: what comes wakes it at once."""

log = logging.getLogger(__name__)


class Spooler:
    """Moves to the spool what has waited in the inbox for longer than a moment. Nothing does while all is well.

    Once something is spooled everything newer goes the same way until the writer has emptied the spool, so the order is
    kept.
    """

    def __init__(
        self,
        spool: Spool,
        host_boot_id: UUID,
        reader: DeviceReader,
        inbox: Inbox,
        watermark: Watermark,
        tick: Tick = no_tick,
    ) -> None:
        self._spool = spool
        self._host_boot_id = host_boot_id
        self._reader = reader
        self._inbox = inbox
        self._watermark = watermark
        self._tick = tick

    async def run(self) -> None:
        """Take hold of what an earlier daemon left, then watch the inbox for ever; cancelled to stop."""
        while True:
            self._tick()
            if not self._spool.mine:
                await self._open()
            age_s = self._inbox.oldest_age_s()
            patience_s = GATHER_S if self._spool.size.rows else PATIENCE_S
            if age_s >= patience_s:
                if not await self._spool_some():
                    await asyncio.sleep(TRY_AGAIN_S * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            elif age_s > 0:
                await asyncio.sleep(min(patience_s - age_s, LOOK_S))
            elif len(self._inbox):
                await asyncio.sleep(min(patience_s, LOOK_S))
            else:
                await self._inbox.wait(REST_S if self._spool.mine else LOOK_S)

    async def finish(self, timeout_s: float) -> None:
        """Spool what is left, within a bound; what is not spooled is not acknowledged either."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while len(self._inbox) and await self._spool_some():
                    pass

    async def _open(self) -> None:
        self._reader.remember(await self._spool.open_existing())
        rows = self._spool.size.rows
        self._watermark.hold(rows > 0)  # the writer may have held it while the disk did not answer
        if rows:
            log.info("%d readings wait on the disk since the last time", rows)

    async def _spool_some(self) -> bool:
        batch, first = self._inbox.oldest(BATCH_LIMIT), not self._spool.size.rows
        if not await self._spool.append(batch, self._host_boot_id):
            if not self._spool.size.rows:  # also when it was damaged just now
                self._watermark.lost()
                self._watermark.hold(False)
            return False
        if first:
            log.warning("the database does not take readings in time; they wait on the disk")
        self._keep(batch)
        self._inbox.remove(batch)
        await self._reader.acknowledge(batch)
        return True

    def _keep(self, batch: Sequence[Storable]) -> None:
        self._watermark.hold(True)
        for report in batch:
            if isinstance(report, Reading):
                self._watermark.spooled(report.stream_id, report.seq)
