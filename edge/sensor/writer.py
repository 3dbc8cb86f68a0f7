"""The database side of the daemon: stores queued reports in batches, and the device's status once a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from drivers.contract import Reading
from edge.common.postgres.connection import DATABASE_FAULTS
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.postgres.reconnect import Attempt, reconnecting
from edge.common.postgres.roles import first_line
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick
from edge.sensor.boots import BootRecorder
from edge.sensor.chatter_monitor import ChatterMonitor
from edge.sensor.device_texts import clean_counters
from edge.sensor.gaps import GapMonitor
from edge.sensor.quarantine import BatchResult, store_or_quarantine
from edge.sensor.queue.durable import Batch, DurableQueue, streams_of
from edge.sensor.reader import DeviceReader
from edge.sensor.sqlstate import ErrorClass, classify
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore

BATCH_LIMIT: Final = 1000
"""Rows of one insert; a larger batch is no faster and delays the readings behind it."""
STATUS_PAUSE_S: Final = 0.5
"""Shortest interval between two writes of the status row for a newer watermark; a new state is written at once."""
STATUS_REST_S: Final = 1.5
"""The same while the device is at rest: the row is written with every second heartbeat of a node."""
STATUS_LATEST_S: Final = 2.25
"""Longest interval between two writes of the status row, for a device without heartbeats; half of a reader's patience."""
REST_AFTER_S: Final = 30.0
"""Time after the last reading after which the device is at rest."""
COUNTERS_INTERVAL_S: Final = 10.0
"""Longest interval between two writes of the whole row; in between an unchanged row is only confirmed."""
DISK_ANSWER_S: Final = 5.0
"""Longest wait for the disk at the start. After it readings are stored, but the watermark is held until the disk answers."""
QUARANTINE_QUIET_S: Final = 600.0
"""Time without a quarantined row after which the next one is logged again."""
BACKOFF_CAP_S: Final = 2.0
"""Longest pause between two attempts to reach the database."""

log = logging.getLogger(__name__)


Ring = Callable[[str], None]
"""Takes the payload of a notification. It returns at once."""
NO_DOORBELLS: Final[Mapping[str, Ring]] = {}


class DatabaseState(StrEnum):
    """The state of the database for a device's readings, as logged."""

    UP = "up"
    DOWN = "down"
    REFUSING = "refusing readings"
    """It answers, but its schema or its rights do not let this daemon store anything."""


class RowState(StrEnum):
    """The state of rows beside the readings, as logged: a refused one delays no reading and no other row."""

    STORED = "stored"
    REFUSED = "refused"


class ClockState(StrEnum):
    """The state of the host's wall clock, as logged."""

    BEHIND = "behind"
    SET = "set"


class ReadingWriter:
    """Stores the queue's batches, which form by themselves while the previous commit runs, and writes the status row."""

    def __init__(
        self,
        database: Database,
        device: Device,
        reader: DeviceReader,
        queue: DurableQueue,
        status: Status,
        tick: Tick = no_tick,
        doorbells: Mapping[str, Ring] = NO_DOORBELLS,
    ) -> None:
        """``doorbells`` are the channels to listen on; each is rung for its notifications, and with "" at each connect."""
        self.connected = False
        """The database accepts readings."""
        self._doorbells = doorbells
        self._database = database
        self._device = device
        self._started = host_now()
        self._reader = reader
        self._queue = queue
        self._status = status
        self._tick = tick
        self._status_written_at = self._row_written_at = float("-inf")
        self._stored_at = float("-inf")
        self._written_facts: tuple[object, ...] = ()
        self._written_watermark: Instant | None = None
        self._clocks_loaded = asyncio.Event()
        self._outage = Transitions(log, "database")
        self._status_row = Transitions(log, f"status of {device.id}")
        self._gap_row = Transitions(log, f"gap of {device.id}")
        self._quarantined = 0
        self._quarantined_at = float("-inf")
        self._gaps = GapMonitor(device.id, queue, status)
        self._chatter = ChatterMonitor(device.id, status)
        self._boots = BootRecorder()
        self._clock_log = Transitions(log, "clock")

    async def clocks_loaded(self, timeout_s: float) -> bool:
        """Wait until the stored clocks are loaded, at most ``timeout_s``: a device must not wait for a database.

        Clocks in the spool are loaded by then, too, unless the disk is very slow.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._clocks_loaded.wait()
        return self._clocks_loaded.is_set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop`` is set."""
        await self._wait_for_disk()
        async for attempt in reconnecting(
            self._database, self._on_fault, longest_pause_s=BACKOFF_CAP_S, tick=self._tick
        ):
            with attempt:
                await wait_until_ready(self._database, stop=stop, tick=self._tick, longest_pause_s=BACKOFF_CAP_S)
                if not stop.is_set():
                    await self._serve_connection(attempt, stop)

    async def finish(self, timeout_s: float) -> None:
        """After the last report: one more attempt to store the queue, and the status ``stopped``."""
        with suppress(*DATABASE_FAULTS):  # logged when the outage began; the disk takes the rest
            async with asyncio.timeout(timeout_s):
                connection = await self._database.connect()
                try:
                    store = SensorStore(connection, self._device, self._boots)
                    await store.register(self._started)
                    while await self._store_batch(store):
                        pass
                    await self._write_status(store)
                finally:
                    connection.terminate()

    def counters(self) -> Mapping[str, int]:
        """The counters of the driver and of the daemon."""
        driver = self._reader.driver
        if driver is not None:
            self._status.driver_counters = clean_counters(driver.counters())
        return {
            **self._status.driver_counters,
            "turned_away": self._queue.inbox.turned_away,
            "left_undated": self._reader.left_undated,
            "quarantined": self._quarantined,
            "surplus": self._chatter.surplus,
            "spools_damaged": self._queue.spool.damaged_files,
        }

    async def _wait_for_disk(self) -> None:
        """Rows on the disk are older than any new reading; but a disk that does not answer must not hold those back."""
        deadline = time.monotonic() + DISK_ANSWER_S
        examined = self._queue.spool.examined
        while not examined.is_set():
            self._tick()
            if time.monotonic() >= deadline:
                self._queue.hold_for_disk()
                log.error(
                    "the disk of the spool does not answer: readings are stored, but misses cannot be confirmed until it "
                    "does; check the disk"
                )
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(min(STATUS_LATEST_S, DISK_ANSWER_S)):
                    await examined.wait()

    async def _serve_connection(self, attempt: Attempt, stop: asyncio.Event) -> None:
        connection = await attempt.connect()
        store = SensorStore(connection, self._device, self._boots)
        await store.register(self._started)
        for channel, ring in self._doorbells.items():
            await connection.add_listener(channel, partial(_on_notification, ring))
        self._written_facts = ()  # the row may be gone: the table is not kept through a crash of the server
        if not self._clocks_loaded.is_set():
            self._reader.learn(await store.clocks())
            self._clocks_loaded.set()
        self._outage.enter(DatabaseState.UP)
        self.connected = True
        for ring in self._doorbells.values():
            ring("")
        try:
            while not stop.is_set():
                self._tick()
                if await self._queue.wait(self._until_status_s()):
                    await self._chatter.let_batch_grow()
                    await self._store_batch(store)
                if self._is_status_due():
                    await self._report(store)
                attempt.succeed()  # not sooner: a database that accepts connections may refuse every batch
        finally:
            self.connected = False

    def _on_fault(self, fault: Exception) -> None:
        is_down = _error_class(fault) is ErrorClass.TRANSIENT
        self._outage.enter(DatabaseState.DOWN if is_down else DatabaseState.REFUSING, _describe_outage(fault))

    async def _store_batch(self, store: SensorStore) -> bool:
        """Store the oldest batch; False when there is none."""
        batch = await self._queue.next_batch(BATCH_LIMIT)
        if batch is None:
            return False
        result = await self._write(store, batch)
        self._chatter.on_stored(batch.reports)
        await self._queue.commit(batch, result.stored, result.quarantined)
        self._count(result)
        return True

    async def _write(self, store: SensorStore, batch: Batch) -> BatchResult:
        for stream_id in streams_of(batch.reports):
            await self._restore(store, stream_id)
        judgement = self._chatter.judge(batch.reports)
        write = partial(store.write, last_watermark=self._queue.ledger.watermark, judgement=judgement)
        return await store_or_quarantine(batch.reports, write, store.quarantine)

    async def _restore(self, store: SensorStore, stream_id: UUID) -> None:
        if not self._queue.ledger.is_restored(stream_id):
            self._queue.restore(stream_id, await store.stored_runs(stream_id))

    def _count(self, result: BatchResult) -> None:
        if readings := sum(isinstance(report, Reading) for report in result.stored):
            self._status.readings_total += readings
            self._stored_at = time.monotonic()
        self._quarantined += len(result.quarantined)
        if result.first_refusal is not None:
            if self._quarantined_at + QUARANTINE_QUIET_S <= time.monotonic():
                log.error(
                    "%s; further rows are only counted, see `archstats-sensor quarantine list`", result.first_refusal
                )
            self._quarantined_at = time.monotonic()

    async def _report(self, store: SensorStore) -> None:
        """Bring the watermark and the status row up to date."""
        for stream_id in self._queue.ledger.not_restored():
            await self._restore(store, stream_id)
        try:
            await self._gaps.check(store)
        except asyncpg.PostgresError as fault:
            if _error_class(fault) is not ErrorClass.ROW:
                raise
            self._gap_row.enter(RowState.REFUSED, f"{first_line(fault)}; its misses stay unknown")
        self._chatter.check()
        self._check_clock(await store.record_boot())
        self._status.changed = False
        self._status_written_at = time.monotonic()
        await self._write_status(store)

    def _check_clock(self, fault: str | None) -> None:
        """Report and log that the host's wall clock is behind, once, and that it was set."""
        if fault is not None:
            self._clock_log.enter(ClockState.BEHIND, fault)
        elif self._status.clock is not None:
            self._clock_log.enter(ClockState.SET)
        self._status.clock = fault

    async def _write_status(self, store: SensorStore) -> None:
        queue, now = self._queue, time.monotonic()
        watermark, queued = queue.ledger.watermark, len(queue.inbox)
        facts = (*self._status.facts, queued, queue.spool.size, queue.spool.error)
        if (
            facts != self._written_facts
            or now >= self._row_written_at + COUNTERS_INTERVAL_S
            or not await store.confirm_status(watermark)
        ):
            await self._write_row(store, watermark, queued)
            self._written_facts, self._row_written_at = facts, now
        self._written_watermark = watermark

    async def _write_row(self, store: SensorStore, watermark: Instant | None, queued: int) -> None:
        """Write the whole status row, or its state and watermark alone when the database refuses the rest."""
        spool = self._queue.spool
        try:
            await store.write_status(self._status, watermark, queued, self.counters(), spool.size, spool.error)
        except asyncpg.PostgresError as fault:
            if _error_class(fault) is not ErrorClass.ROW:
                raise
            self._status_row.enter(RowState.REFUSED, f"{first_line(fault)}; its readings are stored all the same")
            await store.write_bare_status(self._status, watermark, first_line(fault))
        else:
            if self._status_row.state is RowState.REFUSED:
                self._status_row.enter(RowState.STORED)

    def _until_status_s(self) -> float:
        """Longest time to wait for a report before the status row is written; 0 or less when it is due."""
        if self._status.changed:
            return 0.0
        now = time.monotonic()
        if self._has_moved and now <= self._stored_at + REST_AFTER_S:
            return self._status_written_at + STATUS_PAUSE_S - now
        return self._status_written_at + STATUS_LATEST_S - now

    def _is_status_due(self) -> bool:
        """Whether to write the status row now; at rest a heartbeat brings it forward, so that no timer has to."""
        rested = time.monotonic() >= self._status_written_at + STATUS_REST_S
        return self._until_status_s() <= 0 or (self._has_moved and rested)

    @property
    def _has_moved(self) -> bool:
        return self._queue.ledger.watermark is not self._written_watermark


def _on_notification(ring: Ring, _connection: object, _pid: int, _channel: str, payload: object) -> None:
    ring(str(payload))


def _error_class(fault: Exception) -> ErrorClass:
    return classify(fault.sqlstate if isinstance(fault, asyncpg.PostgresError) else None)


def _describe_outage(fault: Exception) -> str:
    if not isinstance(fault, asyncpg.PostgresError) or _error_class(fault) is ErrorClass.TRANSIENT:
        return f"{describe_error(fault)}; readings wait on this machine's disk or in the device"
    return (
        f"{describe_error(fault)} ({fault.sqlstate}); readings wait on this machine's disk or in the device until the schema or "
        "the permissions are repaired; see `archstats-sensor db status`"
    )
