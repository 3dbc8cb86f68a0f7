"""The daemon against the real driver, a simulated node in a process of its own, and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from drivers.contract import ClockModel, DeviceKind, Driver
from drivers.registry import load_driver
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.sensor.daemon import run_sensor
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.spool import Spool
from edge.sensor.store import Device
from simulators.world.range import World
from tests.eventually import eventually
from tests.timing import limit_s

SPEED = 20.0
DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


def world() -> World:
    """A range that starts now."""
    return World(4, round(datetime.now(UTC).timestamp() * 1_000_000), SPEED)


@asynccontextmanager
async def simulated_bow(links: Path, here: World) -> AsyncIterator[asyncio.subprocess.Process]:
    """The simulators' process with one bow, ready to be opened."""
    words = ["--world", here.to_json(), "--links", str(links), "--devices", "bow-1:bow.link"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", *words, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "ARCH_STATS_PARENT": str(os.getpid())},
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(30):
        json.loads(await process.stdout.readline())
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        await process.communicate()


def builder(links: Path) -> Callable[[Sequence[ClockModel]], Driver]:
    """Builds ``bow.link`` on the simulated bow's port."""
    driver = load_driver("bow.link")
    settings = TypeAdapter(driver.info.settings).validate_python({"port": str(links / "bow-1")})
    return lambda clocks: driver(DEVICE.id, settings, clocks=clocks)


@asynccontextmanager
async def daemon(database: Database, links: Path) -> AsyncIterator[asyncio.Event]:
    """The daemon in this loop; stopped and awaited at the end."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        spool = Spool(links / "spool", DEVICE.id, 1 << 24)
        tasks.create_task(run_sensor(database, DEVICE, builder(links), spool, stop))
        try:
            yield stop
        finally:
            stop.set()


async def shot(here: World, seq: int) -> None:
    """Wait until the bow has sensed its event of this number."""
    sensed = [e for e in here.events(1, here.start_us, here.start_us + 120_000_000) if e.kind in ("engage", "release")]
    await asyncio.sleep(max(0.0, sensed[seq - 1].at_us / 1_000_000 - datetime.now(UTC).timestamp()))


async def until(condition: Callable[[], Awaitable[object]], within_s: float = 30.0) -> None:
    """Wait for a condition of the database, with a deadline."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.02)


def state_is(connection: Connection, wanted: str) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return bool(await connection.fetchval("select state = $1 from device_status", wanted))

    return check


async def states(connection: Connection) -> list[str]:
    """Every state of the device since its first contact, in order."""
    rows = await connection.fetch(
        "select data ->> 'state' as state from events where type = 'device.status' order by id"
    )
    return [row["state"] for row in rows]


async def test_each_event_is_stored_once_with_its_exact_instant(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:  # fmt: skip
    here = world()
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, here),
    ):
        async with daemon(database, tmp_path):
            await until(lambda: connection.fetchval("select count(*) >= 6 from readings"))
        rows = await connection.fetch("select * from readings order by seq")
    events = [e for e in here.events(1, here.start_us, here.start_us + 60_000_000) if e.kind in ("engage", "release")]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    for row, event in zip(rows, events, strict=False):
        true = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event.at_us)
        assert row["kind"] == event.kind
        assert event.arrow_id is not None
        assert row["tag"] == event.arrow_id.hex
        assert row["source"] == "simulator"
        assert abs((row["at"] - true).total_seconds()) <= limit_s(pytestconfig, 0.005)
        assert row["uncertainty_s"] <= limit_s(pytestconfig, 0.005)
    status = await connection.fetchrow("select * from device_status")
    assert status is not None
    assert status["state"] == "stopped"
    assert status["readings_total"] == len(rows)


async def test_watermark_moves_with_the_heartbeats(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, world()),
    ):
        async with daemon(database, tmp_path):
            await until(lambda: connection.fetchval("select watermark is not null from device_status"))
            first = await connection.fetchval("select watermark from device_status")
            await until(
                lambda: connection.fetchval("select watermark > $1::timestamptz + '1.5 s' from device_status", first)
            )
            await until(
                lambda: connection.fetchval("select clock_timestamp() - watermark < '3.5 s' from device_status")
            )
        gaps = await connection.fetch("select reason, until from device_gaps")
        assert len(gaps) == 1, "only the time before the boot of the bow is unknown"


async def test_missing_device_is_awaited_and_named(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        daemon(database, tmp_path),
    ):
        await until(state_is(connection, "waiting"))
        row = await connection.fetchrow("select error, hint from device_status")
        assert row is not None
        assert str(tmp_path / "bow-1") in row["error"]
        assert row["hint"]
        async with simulated_bow(tmp_path, world()):
            await until(state_is(connection, "ready"))
            assert await connection.fetchval("select error is null and hint is null from device_status")


async def test_disconnected_device_is_lost_and_found_again(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        daemon(database, tmp_path),
    ):
        async with simulated_bow(tmp_path, world()) as process:
            await until(state_is(connection, "ready"))
            (tmp_path / "bow-1").unlink()  # the number of this terminal is soon reused by another test
            process.kill()
            await until(state_is(connection, "lost"))
        async with simulated_bow(tmp_path, world()):
            await until(state_is(connection, "ready"))
            assert (await states(connection))[-3:] == ["ready", "lost", "ready"]
    assert (await states(connection))[-1] == "stopped"


async def test_silent_device_differs_from_a_lost_one(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, world()) as process,
        daemon(database, tmp_path),
    ):
        await until(state_is(connection, "ready"))
        process.send_signal(signal.SIGSTOP)
        await until(state_is(connection, "silent"))
        process.send_signal(signal.SIGCONT)
        await until(state_is(connection, "ready"))
    assert (await states(connection))[-4:] == ["ready", "silent", "ready", "stopped"]


async def test_restarted_daemon_stores_missed_events_once(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    here = world()
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, here),
    ):
        async with daemon(database, tmp_path):
            await until(lambda: connection.fetchval("select count(*) >= 2 from readings"))
        stored = await connection.fetchval("select count(*) from readings")
        await shot(here, stored + 2)  # two more happen while no daemon runs
        async with daemon(database, tmp_path):
            await until(lambda: connection.fetchval("select count(*) >= $1 from readings", stored + 3))
            await until(lambda: connection.fetchval("select watermark is not null from device_status"))
    rows = await connection.fetch("select seq, stream_id from readings order by seq")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row["stream_id"] for row in rows}) == 1


async def test_readings_wait_while_the_database_is_away(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    here = world()
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, here),
        daemon(database, tmp_path),
    ):
        await until(lambda: connection.fetchval("select count(*) >= 1 from readings"))
        await connection.execute("alter table readings rename to away")
        await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sensor'"
        )
        before = await connection.fetchval("select max(seq) from away")
        await shot(here, before + 4)
        await connection.execute("alter table away rename to readings")
        await until(lambda: connection.fetchval("select max(seq) > $1 + 2 from readings", before))
        rows = await connection.fetch("select seq from readings order by seq")
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


async def test_daemon_stops_within_two_seconds_and_records_it(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:  # fmt: skip
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, world()),
    ):
        loop = asyncio.get_running_loop()
        async with daemon(database, tmp_path) as stop:
            await until(state_is(connection, "ready"))
            began = loop.time()
            stop.set()
        assert loop.time() - began < limit_s(pytestconfig, 2.0)
        assert await state_is(connection, "stopped")()


async def test_quarantined_row_holds_only_the_watermark_back(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    await connection.execute("alter table readings add constraint unlucky check (seq <> 2)")
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, world()),
        daemon(database, tmp_path),
    ):
        await until(lambda: connection.fetchval("select max(seq) >= 5 from readings"))
        await until(lambda: connection.fetchval("select (counters ->> 'quarantined')::int = 1 from device_status"))
        second = await connection.fetchrow("select seq::int, sqlstate, reason, row from quarantine")
        assert second is not None
        assert (second["seq"], second["sqlstate"]) == (2, "23514")
        assert "unlucky" in second["reason"]
        stamp = datetime.fromisoformat(json.loads(second["row"])["stamp"]["at"])
        assert await connection.fetchval("select watermark is null or watermark < $1 from device_status", stamp)
        rows = await connection.fetch("select seq from readings order by seq")
        assert [row["seq"] for row in rows] == [1, *range(3, len(rows) + 2)]
        await connection.execute("update quarantine set settled_at = now()")
        await until(lambda: connection.fetchval("select watermark > $1 from device_status", stamp))


async def test_damaged_spool_is_reported_and_costs_no_reading(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "bow-1.spool").write_bytes(b"no database " * 1000)
    async with (
        open_database(database_settings, application="sensor") as database,
        simulated_bow(tmp_path, world()),
        daemon(database, tmp_path),
    ):
        await until(lambda: connection.fetchval("select max(seq) >= 2 from readings"))
        await until(lambda: connection.fetchval("select spool_error is not null from device_status"))
        status = await connection.fetchrow("select spool_error, counters from device_status")
        assert status is not None
        assert "the spool was damaged" in status["spool_error"]
        assert str(tmp_path / "spool" / "bow-1.spool.damaged-") in status["spool_error"]
        assert json.loads(status["counters"])["spools_damaged"] == 1


async def test_device_keeps_its_readings_without_room_on_disk(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path,
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "spool").write_text("a file, where a folder should be")
    results, append = list[bool](), Spool.append

    async def recorded(spool: Spool, reports: Sequence[Storable]) -> bool:
        results.append(await append(spool, reports))
        return results[-1]

    monkeypatch.setattr(Spool, "append", recorded)
    async with (
        open_database(database_settings, application="sensor") as database,
        simulated_bow(tmp_path, world()),
        daemon(database, tmp_path),
    ):
        await until(lambda: connection.fetchval("select count(*) >= 1 from readings"))
        await until(lambda: connection.fetchval("select spool_error like '%cannot be created%' from device_status"))
        await connection.execute("alter table readings rename to away")
        results.clear()
        before = await connection.fetchval("select max(seq) from away")
        await eventually(lambda: "until the schema or the permissions are repaired" in caplog.text, 30)
        await eventually(lambda: results != [], 30)
        assert not any(results), "the disk has no room"
        await connection.execute("alter table away rename to readings")
        await until(lambda: connection.fetchval("select max(seq) > $1 + 2 from readings", before))
        rows = await connection.fetch("select seq from readings order by seq")
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert await connection.fetchval("select count(*) from quarantine") == 0
