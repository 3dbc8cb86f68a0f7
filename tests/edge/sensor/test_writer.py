"""The writer under damage: nothing counts as durable that is not, and lost events are reported."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from asyncpg import Record

from drivers.contract import ClockModel, DeviceIdentity, DeviceKind, Driver, Pulse, Reading, Source, StreamStart
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.vocabulary import DeviceState
from edge.sensor import chatter_monitor
from edge.sensor import writer as writer_module
from edge.sensor.chatter import LIMIT
from edge.sensor.gaps import GapMonitor
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.queue.ledger import QUIET_PULSES
from edge.sensor.queue.spool import Spool
from edge.sensor.queue.spooled import SpoolDamaged
from edge.sensor.reader import DeviceReader
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore
from edge.sensor.writer import ReadingWriter
from tests.edge.sensor.reports import STREAM, reading, stamp, start

DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


class Bench:
    """A writer with its queue, store and status, without a device."""

    def __init__(self, database: Database, connection: Connection, folder: Path) -> None:
        self.connection = connection
        self.store = SensorStore(connection, DEVICE)
        self.spool = Spool(folder, DEVICE.id, 1 << 24)
        self.queue, self.status = DurableQueue(self.spool), Status()
        reader = DeviceReader(_no_driver, self.queue, self.status)
        self.writer = ReadingWriter(database, DEVICE, reader, self.queue, self.status)

    def quiet(self, last_seq: int) -> None:
        for second in range(QUIET_PULSES):
            self.queue.put(Pulse(STREAM, last_seq, stamp(60 + second), pending=0))


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


async def test_lost_events_become_a_gap_and_are_reported(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.spool.open_existing()
    before = uuid4()
    start = StreamStart(STREAM, stamp(50), stamp(49), before, 9)
    bench.queue.ledger.on_start(start)
    await bench.store.write([start, reading(3)], None)
    bench.queue.ledger.mark_start_stored(STREAM)
    bench.quiet(3)
    await bench.store.quarantine(reading(2), "unlucky", "23514")
    await bench.writer._report(bench.store)
    assert await bench.connection.fetchval("select watermark from device_status") is None, "the operator may settle it"
    await bench.connection.execute("delete from quarantine")
    bench.queue.put(reading(1))
    await bench.writer._report(bench.store)
    assert await bench.connection.fetchval("select watermark from device_status") is None, "one is in memory"
    bench.queue.inbox.remove(bench.queue.inbox.oldest(1))
    for _ in range(2):
        await bench.writer._report(bench.store)
    row = await bench.connection.fetchrow("select watermark, error, hint from device_status")
    assert row is not None
    assert row["watermark"] == stamp(60 + QUIET_PULSES - 1).at
    assert "bow-1 no longer has events up to 9 of the previous boot" in row["error"]
    assert "restored" in row["hint"]
    gap = await bench.connection.fetchrow("select * from device_gaps where reason like '%no longer has%'")
    assert gap is not None
    assert gap["since"] < stamp(1).at
    assert gap["until"] == row["watermark"]
    assert [record.levelname for record in caplog.records if "no longer has" in record.message] == ["ERROR"]


async def test_events_of_a_spool_damaged_while_draining_are_not_held(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for seq in range(1, 1501):
        bench.queue.put(reading(seq))
    assert await bench.queue.move_to_disk(1500)

    def damaged(_through: int) -> None:
        raise SpoolDamaged("the spool was damaged")

    monkeypatch.setattr(bench.spool._file, "drop", damaged)
    caplog.set_level(logging.INFO)
    await bench.writer._store_batch(bench.store)
    assert bench.queue.ledger.holds(STREAM, 1000)
    assert not bench.queue.ledger.holds(STREAM, 1400), "when the device sends it again, it must be stored"
    assert "no reading is left on the disk" not in caplog.text


async def test_quarantined_rows_are_counted_and_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for seq in range(1, 5):
        bench.queue.put(reading(seq, rssi_dbm=40_000))
        await bench.writer._store_batch(bench.store)
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


async def test_unresponsive_disk_delays_no_reading(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "DISK_ANSWER_S", 0.05)
    bench.queue.put(reading(1))  # the spool is never opened
    async with running(bench), asyncio.timeout(20):
        while not await bench.connection.fetchval("select count(*) from readings"):
            await asyncio.sleep(0.02)
        bench.queue.put(Pulse(STREAM, 1, stamp(60)))
        assert bench.queue.ledger.watermark is None, "rows on the disk may be older"


async def test_unchanged_status_row_is_only_confirmed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its instant and its watermark move; the counters follow within their own interval."""
    row = "select updated_at, watermark, counters from device_status"
    bench.queue.put(start())
    await bench.writer._store_batch(bench.store)
    bench.queue.put(Pulse(STREAM, 0, stamp(60)))
    bench.queue.restore(STREAM, [])
    await bench.writer._write_status(bench.store)
    before = await bench.connection.fetchrow(row)
    monkeypatch.setattr(bench.writer, "counters", lambda: {"frames": 7})
    bench.queue.put(Pulse(STREAM, 0, stamp(61)))
    await bench.writer._write_status(bench.store)
    after = await bench.connection.fetchrow(row)
    assert before is not None
    assert after is not None
    assert after["updated_at"] > before["updated_at"]
    assert (before["watermark"], after["watermark"]) == (stamp(60).at, stamp(61).at)
    assert after["counters"] == before["counters"]
    monkeypatch.setattr(writer_module, "COUNTERS_INTERVAL_S", 0.0)
    await bench.writer._write_status(bench.store)
    assert await bench.connection.fetchval("select (counters ->> 'frames')::int from device_status") == 7


async def test_lost_status_row_is_written_again(bench: Bench) -> None:
    """The table is not kept through a crash of the server."""
    await bench.writer._write_status(bench.store)
    await bench.connection.execute("delete from device_status")
    await bench.writer._write_status(bench.store)
    assert await bench.connection.fetchval("select count(*) from device_status") == 1


async def test_watermark_is_due_sooner_while_readings_arrive(bench: Bench) -> None:
    bench.status.changed = False
    await bench.writer._write_status(bench.store)
    bench.writer._status_written_at = time.monotonic()
    assert bench.writer._until_status_s() == pytest.approx(writer_module.STATUS_LATEST_S, abs=0.2)
    bench.queue.restore(STREAM, [])
    bench.queue.put(Pulse(STREAM, 0, stamp(60)))
    assert not bench.writer._is_status_due(), "every second heartbeat is enough at rest"
    bench.writer._status_written_at -= writer_module.STATUS_REST_S
    assert bench.writer._is_status_due()
    bench.writer._status_written_at += writer_module.STATUS_REST_S
    bench.queue.put(reading(1))
    await bench.writer._store_batch(bench.store)
    assert bench.writer._until_status_s() <= writer_module.STATUS_PAUSE_S
    bench.status.set_state(DeviceState.LOST)
    assert bench.writer._until_status_s() == 0.0


def chatter(first: int, count: int) -> list[Reading]:
    """Readings every 10 ms."""
    return [replace(reading(seq), stamp=stamp(seq * 0.01)) for seq in range(first, first + count)]


async def status_row(bench: Bench) -> Record:
    row = await bench.connection.fetchrow(
        "select public_state(s) as state, chatters, error, hint, counters from device_status s"
    )
    assert row is not None
    return row


async def test_surplus_is_stored_marked_with_the_time_it_blinds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench.status.set_state(DeviceState.READY)
    for report in chatter(1, 500):
        bench.queue.put(report)
    await bench.writer._store_batch(bench.store)
    await bench.writer._report(bench.store)
    assert await bench.connection.fetchval("select array_agg(seq) from readings where not is_surplus") == list(
        range(1, LIMIT + 1)
    )
    assert await bench.connection.fetchval("select count(*) from readings where is_surplus") == 500 - LIMIT
    gap = await bench.connection.fetchrow("select *, xid = any(select xid from readings) as beside from device_gaps")
    assert gap is not None
    assert (gap["since"], gap["since_mono_ns"], gap["begins_stream"], gap["beside"]) == (
        stamp(0.01).at, 10_000_000, False, True,
    )  # fmt: skip
    assert gap["until"] > stamp(5.0).at
    row = await status_row(bench)
    assert (row["state"], row["chatters"]) == ("degraded", True)
    assert row["error"].startswith("500 nockings in 5.0 s are more than archers can shoot")
    assert "mounting" in row["hint"]
    assert bench.writer.counters()["surplus"] == 500 - LIMIT
    assert bench.queue.ledger.holds(STREAM, 500), "all are acknowledged"

    monkeypatch.setattr(chatter_monitor, "WINDOW_S", 0.0)
    for _ in range(2):
        await bench.writer._report(bench.store)
    row = await status_row(bench)
    assert (row["state"], row["chatters"], row["error"]) == ("ready", False, None)
    lines = [record.message for record in caplog.records if record.name == chatter_monitor.__name__]
    assert [line.split(" ")[:2] for line in lines] == [["bow-1:", "chatters:"], ["bow-1:", "calm:"]]
    assert "440 readings are left out of shots" in lines[1]


async def test_quarantined_row_changes_no_decision_about_the_others(bench: Bench) -> None:
    """The batch is offered again in halves until the unlucky reading is found."""
    batch = chatter(1, 200)
    batch[100] = replace(batch[100], rssi_dbm=40_000)
    for report in batch:
        bench.queue.put(report)
    await bench.writer._store_batch(bench.store)
    stored = await bench.connection.fetch("select seq, is_surplus from readings order by seq")
    assert [(row["seq"], row["is_surplus"]) for row in stored] == [
        (seq, seq > LIMIT) for seq in range(1, 201) if seq != 101
    ]
    assert await bench.connection.fetchval("select count(*) from device_gaps") == 1
    assert await bench.connection.fetchval("select count(*) from quarantine") == 1


async def test_failed_write_changes_no_decision(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the transaction was committed and only its answer was lost."""
    for report in chatter(1, 200):
        bench.queue.put(report)

    async def answer_is_lost(*_reports: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(bench.queue, "commit", answer_is_lost)
        with pytest.raises(ConnectionError):
            await bench.writer._store_batch(bench.store)
    for report in chatter(201, 10):
        bench.queue.put(report)
    await bench.writer._store_batch(bench.store)
    assert await bench.connection.fetchval("select count(*) from readings where is_surplus") == 210 - LIMIT
    assert await bench.connection.fetchval("select count(*) from device_gaps") == 1


async def test_rows_of_an_old_spool_are_judged_too(bench: Bench) -> None:
    for report in chatter(1, 150):
        bench.queue.put(report)
    assert await bench.queue.move_to_disk(150)
    await bench.writer._store_batch(bench.store)
    assert await bench.connection.fetchval("select count(*) from readings where is_surplus") == 150 - LIMIT


async def test_batches_grow_while_all_is_surplus(bench: Bench) -> None:
    async def pause_s() -> float:
        began = time.monotonic()
        await bench.writer._chatter.let_batch_grow()
        return time.monotonic() - began

    for first, count, grows in ((1, LIMIT, False), (LIMIT + 1, 10, True)):
        for report in chatter(first, count):
            bench.queue.put(report)
        await bench.writer._store_batch(bench.store)
        assert (await pause_s() > chatter_monitor.GROW_S / 2) is grows


def identity(firmware: str) -> DeviceIdentity:
    return DeviceIdentity(DEVICE.id, DEVICE.kind, STREAM, Source.SIMULATOR, firmware)


async def test_text_that_the_database_refuses_costs_no_watermark(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.status.on_open(identity("FW 1.0" + "\0" * 10))
    bench.status.set_state(DeviceState.READY, error="odd \ud800", hint="\0")
    await bench.writer._report(bench.store)
    row = await bench.connection.fetchrow("select state, firmware, error, hint from device_status")
    replacement = "\N{REPLACEMENT CHARACTER}"
    assert row is not None
    assert tuple(row) == ("ready", "FW 1.0" + replacement * 10, "odd ?", replacement)
    assert caplog.messages == []


async def test_refused_status_keeps_state_and_watermark(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.spool.open_existing()
    caplog.set_level(logging.INFO)
    bench.queue.put(start())
    bench.queue.put(reading(1))
    await bench.writer._store_batch(bench.store)
    bench.quiet(1)
    bench.status.on_open(identity("1.0"))
    bench.status.battery_percent = 255
    for _ in range(2):
        bench.status.changed = True
        await bench.writer._report(bench.store)
    row = await bench.connection.fetchrow("select state, watermark, battery_percent, error from device_status")
    assert row is not None
    assert (row["state"], row["watermark"], row["battery_percent"]) == ("ready", stamp(60 + QUIET_PULSES - 1).at, None)
    assert "device_status_battery_percent_check" in row["error"]
    bench.status.battery_percent = 90
    await bench.writer._report(bench.store)
    assert await bench.connection.fetchval("select battery_percent, error from device_status where error is null") == 90
    refusals = [message for message in caplog.messages if message.startswith("status of bow-1: ")]
    assert [message.split()[3].rstrip(":") for message in refusals] == ["refused", "stored"]
    assert "down" not in caplog.text


async def test_refused_gap_row_delays_no_other_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refused(_monitor: object, _store: object) -> None:
        await bench.connection.execute("insert into device_gaps (device_id) values ('bow-1')")

    monkeypatch.setattr(GapMonitor, "check", refused)
    for _ in range(2):
        await bench.writer._report(bench.store)
    assert await bench.connection.fetchval("select state from device_status") == "starting"
    assert len([message for message in caplog.messages if message.startswith("gap of bow-1: refused: ")]) == 1


async def test_settled_number_out_of_range_hides_no_stored_reading(bench: Bench) -> None:
    await bench.store.write([start(), reading(1)], None)
    for seq in (2**63, 2**64):
        await bench.store.quarantine(replace(reading(1), seq=seq), "too large", "22003")
    await bench.connection.execute("update quarantine set settled_at = now()")
    assert await bench.store.stored_runs(STREAM) == [(1, 1)]


async def test_only_an_outage_is_called_down(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for fault in (ConnectionResetError("reset"), asyncpg.UndefinedTableError("no table")):
        bench.writer._on_fault(fault)
    assert [message.split(":")[1] for message in caplog.messages] == [" down", " refusing readings"]


async def test_clock_behind_is_reported_until_it_is_set(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await bench.connection.execute("update host_boots set clock = 'behind', not_before = at + interval '1 h'")
    await bench.writer._report(SensorStore(bench.connection, DEVICE))
    error: str = await bench.connection.fetchval("select error from device_status")
    assert error.startswith("this machine's clock is at least 60 minutes behind")
    await bench.connection.execute("update host_boots set at = at + interval '2 h'")
    await bench.writer._report(SensorStore(bench.connection, DEVICE))
    assert await bench.connection.fetchval("select error from device_status") is None
    assert len([record for record in caplog.records if record.message.startswith("clock: ")]) == 2
