"""The database's side of the daemon: whatever came while the last commit ran is the next batch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from drivers.contract import Reading
from drivers.errors import DriverError
from edge.common.connection import DATABASE_FAULTS
from edge.common.database import Database, told_of, wait_until_ready
from edge.common.logs import Transitions
from edge.common.progress import Tick, nobody
from edge.sensor.inbox import Inbox, Storable
from edge.sensor.reader import DeviceReader
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore
from edge.sensor.watermark import Watermark

BATCH_LIMIT = 1000
"""Rows of one insert; beyond this a larger batch is no faster and only holds the others back."""
STATUS_EVERY_S = 1.0
BACKOFF_CAP_S = 5.0

log = logging.getLogger(__name__)


class ReadingWriter:
    """Stores what waits in the inbox, then acknowledges it to the device; tells the device's status once a second."""

    def __init__(
        self,
        database: Database,
        device: Device,
        host_boot_id: UUID,
        reader: DeviceReader,
        inbox: Inbox,
        watermark: Watermark,
        status: Status,
        tick: Tick = nobody,
    ) -> None:
        self.connected = False
        """Whether the database takes what comes."""
        self._database = database
        self._device = device
        self._host_boot_id = host_boot_id
        self._reader = reader
        self._inbox = inbox
        self._watermark = watermark
        self._status = status
        self._tick = tick
        self._told_at = float("-inf")
        self._known = asyncio.Event()
        self._outage = Transitions(log, "database")

    async def clocks_known(self, timeout_s: float) -> bool:
        """Wait until the stored clocks are loaded, at most ``timeout_s``: a device must not wait for a database."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._known.wait()
        return self._known.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop`` is set and what waits is stored."""
        while not stop.is_set():
            async for attempt in AsyncRetrying(
                wait=wait_random_exponential(multiplier=0.1, max=BACKOFF_CAP_S),
                retry=retry_if_exception_type(DATABASE_FAULTS),
            ):
                with attempt:
                    if stop.is_set():
                        return
                    await wait_until_ready(self._database, stop=stop, tick=self._tick)
                    if stop.is_set():
                        return
                    await self._one_connection(stop)

    async def finish(self, timeout_s: float) -> None:
        """After the last report: one more try to store what waits and to say that the daemon stopped."""
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._database.connect()
                try:
                    store = SensorStore(connection, self._device, self._host_boot_id)
                    await store.register()
                    while len(self._inbox):
                        await self._write_some(store)
                    await store.tell(self._status, self._watermark.stamp, len(self._inbox), self.counters())
                finally:
                    connection.terminate()
        except DATABASE_FAULTS as fault:
            if len(self._inbox):
                log.warning(
                    "%d readings were not stored (%r); the device keeps them and sends them again",
                    len(self._inbox),
                    fault,
                )

    def counters(self) -> Mapping[str, int]:
        """The driver's counters and the daemon's own."""
        driver = self._reader.driver
        if driver is not None:
            self._status.driver_counters = dict(driver.counters())
        return {**self._status.driver_counters, "turned_away": self._inbox.turned_away}

    async def _one_connection(self, stop: asyncio.Event) -> None:
        connection = await self._database.connect()
        try:
            store = SensorStore(connection, self._device, self._host_boot_id)
            await store.register()
            if not self._known.is_set():
                for clock in await store.clocks():
                    self._reader.clocks.setdefault(clock.stream_id, clock)
                self._known.set()
            self._outage.enter("up")
            self.connected = True
            while not stop.is_set():
                self._tick()
                if await self._inbox.wait(self._told_at + STATUS_EVERY_S - time.monotonic()):
                    await self._write_some(store)
                if self._status.changed or time.monotonic() >= self._told_at + STATUS_EVERY_S:
                    await self._tell(store)
        except DATABASE_FAULTS as fault:
            self._outage.enter("down", f"{told_of(fault)}; readings wait here and the device keeps them")
            raise
        finally:
            self.connected = False
            connection.terminate()  # close() would wait for a peer that may be frozen

    async def _write_some(self, store: SensorStore) -> None:
        batch = self._inbox.oldest(BATCH_LIMIT)
        for stream_id in {report.stream_id for report in batch if isinstance(report, Reading)}:
            await self._restore(store, stream_id)
        await store.write(batch, self._watermark.stamp)
        self._inbox.remove(batch)
        await self._acknowledge(batch)

    async def _acknowledge(self, batch: list[Storable]) -> None:
        driver = self._reader.driver
        for report in batch:
            if isinstance(report, Reading):
                self._watermark.stored(report.stream_id, report.seq)
                self._status.readings_total += 1
                if driver is not None:
                    with suppress(DriverError):  # not acknowledged: the device sends it again, and hears it then
                        await driver.acknowledge(report)

    async def _restore(self, store: SensorStore, stream_id: UUID) -> None:
        if not self._watermark.restored(stream_id):
            self._watermark.restore(stream_id, await store.stored_seqs(stream_id))

    async def _tell(self, store: SensorStore) -> None:
        for stream_id in self._watermark.unrestored():
            await self._restore(store, stream_id)
        self._status.changed = False
        self._told_at = time.monotonic()
        await store.tell(self._status, self._watermark.stamp, len(self._inbox), self.counters())
