"""The durable queue of one device: memory, disk and ledger behind one interface."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from drivers.contract import ClockModel, Pulse, Reading, Report, StreamStart
from edge.sensor.queue.inbox import Inbox, Storable
from edge.sensor.queue.ledger import DeviceLedger, MissingEvents, Run
from edge.sensor.queue.spool import Spool
from edge.sensor.queue.spooled import SpooledBatch

RETRY_READ_S: Final = 0.5
"""Pause after the disk could not be read."""

OnDurable = Callable[[Sequence[Storable]], Awaitable[None]]
"""Called with reports that have become durable; acknowledges them to the device."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """The oldest reports of the queue, which stay in it until :meth:`DurableQueue.commit`."""

    reports: list[Storable]
    spooled: SpooledBatch | None = None
    """The rows on the disk; None for a batch from memory."""


class DurableQueue:
    """Moves a device's reports from the driver to the database, and to the disk while the database is away.

    The reader puts reports in, the writer takes batches and commits them, the disk worker moves reports to the disk when
    the writer falls behind. A report becomes durable by a commit of the database or an fsync of the disk, and only then
    is it passed to the listener of :meth:`on_durable`. Reports leave in the order in which they came: rows on the disk
    before those in memory, and while there are rows every newer report goes to the disk, too.

    The queue alone changes the ledger; its users read the watermark and the gaps there. The watermark is held while the
    disk has rows.
    """

    def __init__(self, spool: Spool) -> None:
        self.inbox = Inbox()
        self.spool = spool
        self.ledger = DeviceLedger()
        self._news = asyncio.Event()
        self._on_durable: OnDurable | None = None

    def __len__(self) -> int:
        """Reports in memory and on the disk."""
        return len(self.inbox) + self.spool.size.rows

    def on_durable(self, listener: OnDurable) -> None:
        """Call ``listener`` with the reports of each batch that has become durable."""
        self._on_durable = listener

    def put(self, report: Report) -> bool:
        """Take in one report; False when memory is full. A pulse takes no place: it only moves the watermark."""
        self._news.set()
        if isinstance(report, Pulse):
            self.ledger.on_pulse(report)
            return True
        if isinstance(report, StreamStart):
            self.ledger.on_start(report)
        return self.inbox.put(report)

    def holds(self, reading: Reading) -> bool:
        """Whether the reading is durable already: a repeat is acknowledged at once and not queued."""
        return self.ledger.holds(reading.stream_id, reading.seq)

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a report, a pulse or :meth:`wake`, at most ``timeout_s``; False when no report is queued."""
        if not len(self) and timeout_s > 0:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
        return len(self) > 0

    def wake(self) -> None:
        """End a :meth:`wait`: the device's state has changed."""
        self._news.set()

    async def next_batch(self, limit: int) -> Batch | None:
        """Up to ``limit`` of the oldest reports; None when there are none or the disk cannot be read now."""
        if self.spool.size.rows:
            spooled = await self.spool.oldest(limit)
            if spooled is not None:
                return Batch(spooled.reports, spooled)
            if self.spool.size.rows:
                await asyncio.sleep(RETRY_READ_S)
                return None
            self._forget_spooled()
        reports = self.inbox.oldest(limit)
        return Batch(reports) if reports else None

    async def commit(self, batch: Batch, stored: Sequence[Storable], quarantined: Sequence[Storable] = ()) -> None:
        """Remove a batch after the transaction that stored one part of it and quarantined the rest."""
        if batch.spooled is None:
            self.inbox.remove(batch.reports)
            self._record(stored, quarantined)
            await self._acknowledge(batch.reports)
            return
        dropped = await self.spool.drop(batch.spooled)
        self._record(stored, quarantined)
        if self.spool.size.rows:
            return
        if dropped:
            self.ledger.hold(False)
            log.info("no reading is left on the disk")
        else:
            self._forget_spooled()

    async def open_disk(self) -> list[ClockModel]:
        """Open the rows of an earlier daemon; returns the newest clocks among them."""
        clocks = await self.spool.open_existing()
        rows = self.spool.size.rows
        self.ledger.hold(rows > 0)  # releases it, too, if it was held because the disk did not answer
        if rows:
            log.info("%d readings of an earlier run are on the disk", rows)
        return clocks

    async def move_to_disk(self, limit: int) -> bool:
        """Move up to ``limit`` of the oldest reports from memory to the disk; False when the disk refused."""
        reports, first = self.inbox.oldest(limit), not self.spool.size.rows
        if not await self.spool.append(reports):
            if not self.spool.size.rows:  # also when it was just found damaged
                self._forget_spooled()
            return False
        if first:
            log.warning("the database is away or too slow; readings are now written to the disk")
        self.ledger.hold(True)
        for stream_id, runs in _runs_by_stream(reports):
            self.ledger.mark_spooled(stream_id, *runs)
        self.inbox.remove(reports)
        await self._acknowledge(reports)
        return True

    def hold_for_disk(self) -> None:
        """Hold the watermark until :meth:`open_disk` returns: a disk that does not answer may have older events."""
        self.ledger.hold(True)

    def restore(self, stream_id: UUID, runs: Iterable[tuple[int, int]]) -> None:
        """Add the events that the database holds of a stream: first and last number of each run."""
        self.ledger.restore(stream_id, runs)

    def settle(self, rows: Iterable[tuple[UUID, int | None]]) -> None:
        """Count quarantined rows as stored that the operator has settled: readings by number, a start as None."""
        for stream_id, seq in rows:
            if seq is None:
                self.ledger.mark_start_stored(stream_id)
            else:
                self.ledger.mark_stored(stream_id, seq)

    def missing_events(self) -> MissingEvents | None:
        """The events that are lost: neither device, memory, disk nor database has them. None while some may arrive."""
        return None if len(self) or not self.spool.owned else self.ledger.missing_events()

    def give_up(self, missing: MissingEvents) -> None:
        """Stop waiting for lost events, once their gap is stored."""
        self.ledger.give_up(missing)

    def _record(self, stored: Sequence[Storable], quarantined: Sequence[Storable]) -> None:
        for stream_id, runs in _runs_by_stream(stored):
            self.ledger.mark_stored(stream_id, *runs)
        for report in stored:
            if isinstance(report, StreamStart):
                self.ledger.mark_start_stored(report.stream_id)
        for stream_id, runs in _runs_by_stream(quarantined):
            self.ledger.mark_quarantined(stream_id, *runs)

    def _forget_spooled(self) -> None:
        self.ledger.forget_spooled()
        self.ledger.hold(False)

    async def _acknowledge(self, reports: Sequence[Storable]) -> None:
        if self._on_durable is not None:
            await self._on_durable(reports)


def _runs_by_stream(reports: Sequence[Storable]) -> Iterator[tuple[UUID, list[Run]]]:
    """The sequence numbers of the readings, as runs, each with its stream. A stream may come more than once."""
    stream_id: UUID | None = None
    runs: list[Run] = []
    first = last = 0
    for report in reports:
        if not isinstance(report, Reading):
            continue
        if report.stream_id is not stream_id:
            if stream_id is not None:
                yield stream_id, [*runs, (first, last)]
            stream_id, runs = report.stream_id, []
            first = last = report.seq
        elif report.seq == last + 1:
            last = report.seq
        else:
            runs.append((first, last))
            first = last = report.seq
    if stream_id is not None:
        yield stream_id, [*runs, (first, last)]


def streams_of(reports: Sequence[Storable]) -> set[UUID]:
    """The streams of the readings."""
    return {stream_id for stream_id, _ in _runs_by_stream(reports)}
