"""The database's side of the daemon: whatever came while the last commit ran is the next batch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from drivers.clock.host import host_now
from drivers.contract import ClockModel, Reading, StreamStart
from edge.common.postgres.connection import DATABASE_FAULTS
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.sensor.quarantine import Outcome, store_or_set_aside
from edge.sensor.queue.durable import Spool
from edge.sensor.queue.inbox import Inbox, Storable
from edge.sensor.queue.ledger import Watermark
from edge.sensor.reader import DeviceReader
from edge.sensor.sqlstate import Verdict, verdict_on
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore

BATCH_LIMIT = 1000
"""Rows of one insert; beyond this a larger batch is no faster and only holds the others back."""
STATUS_EVERY_S = 1.0
LOOK_AGAIN_S = 0.5
SETTLED_EVERY_S = 3.0
"""How often, while the watermark waits for something, the quarantine is asked whether a person has settled it."""
LOOKED_WITHIN_S = 5.0
"""How long a disk may take to tell what waits on it; then what comes is stored, and the watermark stands still until it does."""
MISSING_TOLD_S = 5.0
"""So long something may be missing before people are told: what was sent again comes sooner."""
QUARANTINE_QUIET_S = 600.0
"""After so long without a row for the quarantine the next one is told of again."""
BACKOFF_CAP_S = 2.0
"""Readings wait: a database that is back is found within this and the time of one connection."""

log = logging.getLogger(__name__)


class ReadingWriter:
    """Stores what waits, the spool before the inbox, and acknowledges it to the device; tells its status once a second."""

    def __init__(
        self,
        database: Database,
        device: Device,
        host_boot_id: UUID,
        reader: DeviceReader,
        inbox: Inbox,
        spool: Spool,
        watermark: Watermark,
        status: Status,
        tick: Tick = no_tick,
    ) -> None:
        self.connected = False
        """Whether the database takes what comes."""
        self._database = database
        self._device = device
        self._host_boot_id = host_boot_id
        self._began = host_now()
        self._reader = reader
        self._inbox = inbox
        self._spool = spool
        self._watermark = watermark
        self._status = status
        self._tick = tick
        self._told_at = self._looked_at = float("-inf")
        self._waits = False
        self._known = asyncio.Event()
        self._outage = Transitions(log, "database")
        self._quarantined = 0
        self._quarantined_at = float("-inf")
        self._whole_at = time.monotonic()

    async def clocks_known(self, timeout_s: float) -> bool:
        """Wait until the stored clocks are loaded, at most ``timeout_s``: a device must not wait for a database.

        Those in the spool are loaded by then, too, unless the disk is very slow.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._known.wait()
        return self._known.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop`` is set."""
        await self._wait_for_the_disk()
        while not stop.is_set():
            async for attempt in AsyncRetrying(
                wait=wait_random_exponential(multiplier=0.1, max=BACKOFF_CAP_S),
                retry=retry_if_exception_type(DATABASE_FAULTS),
            ):
                with attempt:
                    if stop.is_set():
                        return
                    await wait_until_ready(self._database, stop=stop, tick=self._tick, longest_pause_s=BACKOFF_CAP_S)
                    if stop.is_set():
                        return
                    await self._one_connection(stop)

    async def _wait_for_the_disk(self) -> None:
        """What waits there is older than anything; but a disk that does not answer must not keep the rest back."""
        until = time.monotonic() + LOOKED_WITHIN_S
        while not self._spool.looked.is_set():
            self._tick()
            if time.monotonic() >= until:
                self._watermark.hold(True)
                log.error(
                    "the disk of the spool does not answer: what comes is stored, but no miss can be told before it does; "
                    "check the disk"
                )
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(STATUS_EVERY_S, LOOKED_WITHIN_S)):
                    await self._spool.looked.wait()

    async def finish(self, timeout_s: float) -> None:
        """After the last report: one more try to store what waits and to say that the daemon stopped."""
        with suppress(*DATABASE_FAULTS):  # told of when it began; the spool takes what is left
            async with asyncio.timeout(timeout_s):
                connection = await self._database.connect()
                try:
                    store = SensorStore(connection, self._device, self._host_boot_id)
                    await store.register(self._began)
                    while await self._store_some(store):
                        pass
                    await self._say(store)
                finally:
                    connection.terminate()

    def counters(self) -> Mapping[str, int]:
        """The driver's counters and the daemon's own."""
        driver = self._reader.driver
        if driver is not None:
            self._status.driver_counters = dict(driver.counters())
        own = {
            "turned_away": self._inbox.turned_away,
            "left_undated": self._reader.left_undated,
            "quarantined": self._quarantined,
        }
        return {**self._status.driver_counters, **own, "spools_damaged": self._spool.damaged}

    async def _one_connection(self, stop: asyncio.Event) -> None:
        connection = await self._database.connect()
        try:
            store = SensorStore(connection, self._device, self._host_boot_id)
            await store.register(self._began)
            if not self._known.is_set():
                self._reader.learn(await store.clocks())
                self._known.set()
            self._outage.enter("up")
            self.connected = True
            while not stop.is_set():
                self._tick()
                if self._spool.size.rows or await self._inbox.wait(self._until_told_s()):
                    await self._store_some(store)
                if self._status.changed or self._until_told_s() <= 0:
                    await self._tell(store)
        except DATABASE_FAULTS as fault:
            self._outage.enter("down", self._in_words(fault))
            raise
        finally:
            self.connected = False
            connection.terminate()  # close() would wait for a peer that may be frozen

    async def _store_some(self, store: SensorStore) -> bool:
        """Store the oldest of what waits; False when nothing does."""
        if self._spool.size.rows:
            return await self._store_spooled(store)
        batch = self._inbox.oldest(BATCH_LIMIT)
        if not batch:
            return False
        outcome = await self._write(store, batch, self._host_boot_id)
        self._inbox.remove(batch)
        self._count(outcome)
        await self._reader.acknowledge(batch)
        return True

    async def _store_spooled(self, store: SensorStore) -> bool:
        batch = await self._spool.oldest(BATCH_LIMIT)
        if batch is not None:
            outcome = await self._write(store, batch.reports, batch.host_boot_id)
            dropped = await self._spool.drop(batch)
            self._count(outcome)
            if not dropped and not self._spool.size.rows:
                return self._spool_is_lost()
        elif self._spool.size.rows:
            await asyncio.sleep(LOOK_AGAIN_S)  # it cannot be read now
        else:
            return self._spool_is_lost()
        if not self._spool.size.rows:
            self._watermark.hold(False)
            log.info("nothing waits on the disk any more")
        return batch is not None

    def _spool_is_lost(self) -> bool:
        self._watermark.lost()
        self._watermark.hold(False)
        return True  # the inbox may hold something

    async def _write(self, store: SensorStore, batch: list[Storable], host_boot_id: UUID) -> Outcome:
        for stream_id in {report.stream_id for report in batch if isinstance(report, Reading)}:
            await self._restore(store, stream_id)
        write = partial(store.write, last_watermark=self._watermark.stamp, host_boot_id=host_boot_id)
        return await store_or_set_aside(batch, write, store.quarantine)

    def _count(self, outcome: Outcome) -> None:
        for report in outcome.stored:
            match report:
                case Reading():
                    self._watermark.stored(report.stream_id, report.seq)
                    self._status.readings_total += 1
                case StreamStart():
                    self._watermark.begun(report.stream_id)
                case ClockModel():
                    pass
        if outcome.why is not None:
            if self._quarantined_at + QUARANTINE_QUIET_S <= time.monotonic():
                log.error("%s; more are only counted, see archstats-sensor quarantine list", outcome.why)
            self._quarantined_at = time.monotonic()
        for report in outcome.quarantined:
            self._quarantined += 1
            if isinstance(report, Reading):
                self._watermark.quarantined(report.stream_id, report.seq)

    async def _restore(self, store: SensorStore, stream_id: UUID) -> None:
        if not self._watermark.restored(stream_id):
            self._watermark.restore(stream_id, await store.stored_runs(stream_id))

    async def _tell(self, store: SensorStore) -> None:
        for stream_id in self._watermark.unrestored():
            await self._restore(store, stream_id)
        if self._looked_at + SETTLED_EVERY_S <= time.monotonic() and (missing := self._watermark.missing()):
            self._looked_at = time.monotonic()
            self._pass_settled(await store.settled(missing))
        await self._give_up_the_lost(store)
        self._note_what_is_missing()
        self._status.changed = False
        self._told_at = time.monotonic()
        await self._say(store)

    async def _give_up_the_lost(self, store: SensorStore) -> None:
        """Go on past what will never come; the gap is stored before the watermark passes it."""
        if (
            len(self._inbox)
            or self._spool.size.rows
            or not self._spool.mine
            or (loss := self._watermark.loss()) is None
        ):
            return
        if await store.unsettled([*loss.up_to, *([loss.unbegun] if loss.unbegun else [])]):
            return
        what = self._watermark.hole() or "the beginning of its stream"
        await store.lose(self._watermark.stamp, loss.until, f"the device no longer has {what}")
        self._watermark.give_up(loss)
        self._waits = False
        self._status.missing = f"{self._device.id} no longer has {what}, and they are not in this database"
        self._status.missing_hint = "Misses until then are unknown. Was the database restored, the node used at another hub, or its memory full?"
        log.error("%s. %s", self._status.missing, self._status.missing_hint)

    def _note_what_is_missing(self) -> None:
        """Tell people what the watermark waits for, when it does for long. What was lost is told until the daemon ends."""
        hole, now = self._watermark.hole(), time.monotonic()
        if hole is None:
            self._whole_at = now
            if self._waits:
                self._status.missing = self._status.missing_hint = None
            self._waits = False
        elif self._whole_at + MISSING_TOLD_S <= now:
            self._waits = True
            self._status.missing = f"no miss can be told: {hole} is not stored yet"
            self._status.missing_hint = (
                "It waits in the device, on the disk or in the quarantine: archstats-sensor quarantine list"
            )

    def _pass_settled(self, settled: Sequence[tuple[UUID, int | None]]) -> None:
        for stream_id, seq in settled:
            if seq is None:
                self._watermark.begun(stream_id)
            else:
                self._watermark.stored(stream_id, seq)

    async def _say(self, store: SensorStore) -> None:
        spool = self._spool
        stamp, queued = self._watermark.stamp, len(self._inbox)
        await store.tell(self._status, stamp, queued, self.counters(), spool.size, spool.trouble)

    def _until_told_s(self) -> float:
        return self._told_at + STATUS_EVERY_S - time.monotonic()

    def _in_words(self, fault: Exception) -> str:
        sqlstate = fault.sqlstate if isinstance(fault, asyncpg.PostgresError) else None
        if verdict_on(sqlstate) is Verdict.TRANSIENT:
            return f"{describe_error(fault)}; readings wait on this machine's disk or in the device"
        return (
            f"{describe_error(fault)} ({sqlstate}); readings wait on this machine's disk or in the device until the schema or "
            "the rights are mended: archstats-sensor db status"
        )
