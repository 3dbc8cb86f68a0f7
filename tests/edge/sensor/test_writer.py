"""What the writer makes of damage on the way: nothing is believed durable that is not, and what is lost is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from drivers.contract import ClockModel, DeviceKind, Driver, Pulse, StreamStart
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.sensor import writer as writer_module
from edge.sensor.queue.disk import SpoolDamaged
from edge.sensor.queue.durable import Spool
from edge.sensor.queue.inbox import Inbox
from edge.sensor.queue.ledger import QUIET_PULSES, Watermark
from edge.sensor.reader import DeviceReader
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore
from edge.sensor.writer import ReadingWriter
from tests.edge.sensor.reports import BOOT, STREAM, reading, stamp

DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


class Bench:
    """A writer and all it works with, but for a device."""

    def __init__(self, database: Database, connection: Connection, folder: Path) -> None:
        self.connection = connection
        self.store = SensorStore(connection, DEVICE, BOOT)
        self.inbox, self.watermark, self.status = Inbox(), Watermark(), Status()
        self.spool = Spool(folder, DEVICE.id, 1 << 24)
        reader = DeviceReader(_no_driver, self.inbox, self.watermark, self.status)
        self.writer = ReadingWriter(
            database, DEVICE, BOOT, reader, self.inbox, self.spool, self.watermark, self.status
        )  # fmt: skip

    def quiet(self, last_seq: int) -> None:
        for second in range(QUIET_PULSES):
            self.watermark.pulse(Pulse(STREAM, last_seq, stamp(60 + second), pending=0))


def _no_driver(_clocks: Sequence[ClockModel]) -> Driver:
    raise AssertionError("no device is opened here")


@pytest.fixture
async def bench(database_settings: ServiceSettings, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        made = Bench(database, connection, tmp_path)
        await made.store.register()
        yield made
        await made.spool.close()
        await connection.close()


async def test_what_no_one_has_any_more_becomes_a_gap_and_people_are_told(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.spool.open_existing()
    before = uuid4()
    start = StreamStart(STREAM, stamp(50), stamp(49), before, 9)
    bench.watermark.start(start)
    await bench.store.write([start, reading(3)], None, BOOT)
    bench.watermark.begun(STREAM)
    bench.quiet(3)
    await bench.store.quarantine(reading(2), "unlucky", "23514")
    await bench.writer._tell(bench.store)
    assert await bench.connection.fetchval("select watermark from device_status") is None, "a person may settle it"
    await bench.connection.execute("delete from quarantine")
    bench.inbox.put(reading(1))
    await bench.writer._tell(bench.store)
    assert await bench.connection.fetchval("select watermark from device_status") is None, "one is under way"
    bench.inbox.remove(bench.inbox.oldest(1))
    for _ in range(2):
        await bench.writer._tell(bench.store)
    told = await bench.connection.fetchrow("select watermark, error, hint from device_status")
    assert told is not None
    assert told["watermark"] == stamp(60 + QUIET_PULSES - 1).at
    assert "bow-1 no longer has events up to 9 of the boot before" in told["error"]
    assert "restored" in told["hint"]
    gap = await bench.connection.fetchrow("select * from device_gaps where reason like '%no longer has%'")
    assert gap is not None
    assert gap["from_at"] < stamp(1).at
    assert gap["to_at"] == told["watermark"]
    assert [record.levelname for record in caplog.records if "no longer has" in record.message] == ["ERROR"]


async def test_damage_met_while_dropping_leaves_nothing_believed_durable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert await bench.spool.append([reading(seq) for seq in range(1, 1501)], BOOT)
    bench.watermark.hold(True)
    for seq in range(1, 1501):
        bench.watermark.spooled(STREAM, seq)

    def damaged(_through: int) -> None:
        raise SpoolDamaged("the spool was damaged")

    monkeypatch.setattr(bench.spool._file, "drop", damaged)
    caplog.set_level(logging.INFO)
    await bench.writer._store_some(bench.store)
    assert bench.watermark.holds(STREAM, 1000)
    assert not bench.watermark.holds(STREAM, 1400), "sent again, it must be stored"
    assert "nothing waits" not in caplog.text


async def test_quarantined_rows_are_counted_and_told_of_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for seq in range(1, 5):
        bench.inbox.put(reading(seq, rssi_dbm=40_000))
        await bench.writer._store_some(bench.store)
    assert bench.writer.counters()["quarantined"] == 4
    assert [record.message[:8] for record in caplog.records if "can never be stored" in record.message] == ["engage 1"]


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.writer.run(stop))
        try:
            yield
        finally:
            stop.set()


async def test_a_disk_that_does_not_answer_keeps_no_reading_from_the_database(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LOOKED_WITHIN_S", 0.05)
    bench.inbox.put(reading(1))  # and nobody ever opens the spool
    async with running(bench), asyncio.timeout(20):
        while not await bench.connection.fetchval("select count(*) from readings"):
            await asyncio.sleep(0.02)
        bench.watermark.pulse(Pulse(STREAM, 1, stamp(60)))
        assert bench.watermark.stamp is None, "what waits on the disk may be older"
