"""The durable queue: acknowledged means durable, the order is kept, and the watermark waits for the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from drivers.contract import Pulse
from edge.sensor.queue import durable as durable_module
from edge.sensor.queue.disk import SpoolFile
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.ledger import QUIET_PULSES
from edge.sensor.queue.spool import Spool
from edge.sensor.queue.spooled import SpoolDamaged, SpoolRefused
from tests.edge.sensor.reports import STREAM, reading, stamp, start


class Bench:
    """A queue on a disk, and the reports that it passed on as durable."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder, "bow-1", 1 << 24)
        self.queue = DurableQueue(self.spool)
        self.durable: list[Storable] = []
        self.queue.on_durable(self.record)

    async def record(self, reports: Sequence[Storable]) -> None:
        self.durable += reports

    async def drained(self) -> list[Storable]:
        """All reports, committed as stored in batches of two."""
        found: list[Storable] = []
        while batch := await self.queue.next_batch(2):
            await self.queue.commit(batch, batch.reports)
            found += batch.reports
        return found


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    assert await made.queue.open_disk() == []
    yield made
    await made.spool.close()


async def test_report_is_durable_after_the_commit_only(bench: Bench) -> None:
    bench.queue.put(reading(1))
    bench.queue.put(Pulse(STREAM, 1, stamp(2)))
    batch = await bench.queue.next_batch(9)
    assert batch is not None
    assert bench.durable == []
    assert not bench.queue.holds(reading(1))
    await bench.queue.commit(batch, batch.reports)
    assert bench.durable == [reading(1)]
    assert bench.queue.holds(reading(1))
    assert bench.queue.ledger.watermark == stamp(2)
    assert len(bench.queue) == 0


async def test_failed_write_leaves_the_batch_in_the_queue(bench: Bench) -> None:
    bench.queue.put(reading(1))
    first = await bench.queue.next_batch(9)
    assert first == await bench.queue.next_batch(9)
    assert bench.durable == []


async def test_spooled_reports_are_durable_and_come_first(bench: Bench) -> None:
    for seq in (1, 2, 3):
        bench.queue.put(reading(seq))
    assert await bench.queue.move_to_disk(9)
    assert bench.durable == [reading(1), reading(2), reading(3)]
    bench.queue.put(reading(4))
    assert await bench.drained() == [reading(seq) for seq in (1, 2, 3, 4)]
    assert bench.durable == [reading(seq) for seq in (1, 2, 3, 4)], "each is acknowledged once"


async def test_watermark_is_held_until_the_disk_is_empty(bench: Bench) -> None:
    for seq in (1, 2, 3):
        bench.queue.put(reading(seq))
    await bench.queue.move_to_disk(9)
    bench.queue.put(Pulse(STREAM, 2, stamp(4)))
    batch = await bench.queue.next_batch(2)
    assert batch is not None
    await bench.queue.commit(batch, batch.reports)
    assert bench.queue.ledger.watermark is None, "a row is left on the disk"
    await bench.drained()
    assert bench.queue.ledger.watermark == stamp(4)


async def test_quarantined_reading_is_held_and_stops_the_watermark(bench: Bench) -> None:
    bench.queue.put(reading(1))
    bench.queue.put(reading(2))
    bench.queue.put(Pulse(STREAM, 2, stamp(3)))
    batch = await bench.queue.next_batch(9)
    assert batch is not None
    await bench.queue.commit(batch, [reading(2)], [reading(1)])
    assert bench.durable == [reading(1), reading(2)]
    assert bench.queue.holds(reading(1))
    assert bench.queue.ledger.watermark is None
    bench.queue.settle([(STREAM, 1)])
    assert bench.queue.ledger.watermark == stamp(3)


async def test_refusing_disk_keeps_reports_in_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: SpoolFile, _reports: object) -> None:
        raise SpoolRefused("the disk is full")

    bench.queue.put(reading(1))
    with monkeypatch.context() as disk:
        disk.setattr(SpoolFile, "append", refuse)
        assert not await bench.queue.move_to_disk(9)
    assert bench.durable == []
    assert not bench.queue.holds(reading(1))
    assert await bench.drained() == [reading(1)]


async def test_lost_spool_is_forgotten_and_memory_follows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.queue.put(reading(1))
    await bench.queue.move_to_disk(9)
    bench.queue.put(reading(2))

    def damaged(_limit: int) -> None:
        raise SpoolDamaged("the spool was damaged")

    monkeypatch.setattr(bench.spool._file, "oldest", damaged)
    batch = await bench.queue.next_batch(9)
    assert batch is not None
    assert batch.reports == [reading(2)]
    assert not bench.queue.holds(reading(1)), "when the device sends it again, it must be stored"


async def test_unreadable_disk_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable_module, "RETRY_READ_S", 0.0)
    bench.queue.put(reading(1))
    await bench.queue.move_to_disk(9)
    bench.queue.put(reading(2))

    def unreadable(_limit: int) -> None:
        raise SpoolRefused("the disk cannot be read")

    with monkeypatch.context() as disk:
        disk.setattr(bench.spool._file, "oldest", unreadable)
        assert await bench.queue.next_batch(9) is None
    assert await bench.drained() == [reading(1), reading(2)]


async def test_nothing_is_missing_while_reports_are_queued(bench: Bench) -> None:
    ledger = bench.queue.ledger
    bench.queue.put(start())
    bench.queue.put(reading(2))
    ledger.restore(STREAM, [])
    for second in range(QUIET_PULSES):
        bench.queue.put(Pulse(STREAM, 2, stamp(9 + second), pending=0))
    assert bench.queue.missing_events() is None, "reading 2 is in memory"
    await bench.queue.move_to_disk(9)
    assert bench.queue.missing_events() is None, "reading 2 is on the disk"
    await bench.drained()
    missing = bench.queue.missing_events()
    assert missing is not None
    assert missing.up_to == {STREAM: 2}
    bench.queue.give_up(missing)
    assert bench.queue.missing_events() is None
    assert bench.queue.ledger.watermark == stamp(9 + QUIET_PULSES - 1)
