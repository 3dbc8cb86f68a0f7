"""The record of this host's boot: its clock is behind, runs on, and is set."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from drivers.clock import host
from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.common.postgres.boots import BootRecord, describe_span
from edge.common.postgres.boots import record_boot as record_clocks
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import BootClock
from edge.operator.boots import dated
from edge.sensor import boots
from edge.sensor.boots import BootRecorder

EVENING = datetime(2026, 10, 4, 17, 2, 45, tzinfo=UTC)


async def record_boot(connection: Connection, now: Instant) -> BootRecord | None:
    return await record_clocks(connection, None, *now.columns)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    opened = await database.acting_as(Role.SENSOR).connect()
    yield opened
    await opened.close()


@pytest.mark.usefixtures("_new_york")
async def test_clock_before_the_last_shutdown_is_reported_until_set(connection: Connection) -> None:
    first = await record_boot(connection, Instant(EVENING, 1_965_000_000_000, uuid4()))
    assert first is not None
    assert (first.clock, first.warning) == (BootClock.TRUSTED, None)
    b = Instant(EVENING - timedelta(seconds=31), 60_000_000_000, uuid4())
    behind = await record_boot(connection, b)
    assert behind is not None
    assert behind.warning is not None
    assert "at least 31 s behind: it was before 2026-10-04 13:02:45 EDT, the last instant known" in behind.warning
    assert dated(b, behind).at == EVENING + timedelta(seconds=60)
    runs_on = Instant(b.at + timedelta(hours=1), b.mono_ns and b.mono_ns + 3_600_000_000_000, b.host_boot_id)
    still = await record_boot(connection, runs_on)
    assert still is not None
    assert still.clock is BootClock.BEHIND
    was_set = replace(runs_on, at=EVENING + timedelta(hours=2))
    fixed = await record_boot(connection, was_set)
    assert fixed is not None
    assert (fixed.clock, fixed.warning) == (BootClock.CORRECTED, None)
    assert dated(b, fixed).at == EVENING + timedelta(hours=1)


async def test_clock_before_this_software_is_behind(connection: Connection) -> None:
    record = await record_boot(connection, Instant(datetime(1972, 1, 1, tzinfo=UTC), 30_000_000_000, uuid4()))
    assert record is not None
    assert record.warning is not None
    assert "54 years behind" in record.warning


async def test_boot_after_one_in_the_far_future_moves_nothing(connection: Connection) -> None:
    await record_boot(connection, Instant(EVENING + timedelta(days=4000), 10, uuid4()))
    b = Instant(EVENING, 10_000_000_000, uuid4())
    record = await record_boot(connection, b)
    assert record is not None
    assert (record.clock, dated(b, record)) == (BootClock.BEHIND, b)
    after = await record_boot(connection, Instant(EVENING + timedelta(hours=1), 10, uuid4()))
    assert after is not None
    assert after.clock is BootClock.TRUSTED


async def test_recorder_writes_once_a_minute_and_at_a_step(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = BootRecorder()

    async def version() -> object:
        await recorder.renew(connection)
        return await connection.fetchval("select xmin from host_boots where host_boot_id = $1", host.host_boot_id())

    first = await version()
    assert await version() == first
    wall_clock = time.time
    monkeypatch.setattr(time, "time", lambda: wall_clock() + 5.0)
    now = host_now()
    monkeypatch.setattr(boots, "host_now", lambda: replace(now, at=now.at + timedelta(seconds=5)))
    assert await version() != first


async def test_boot_without_a_host_gets_it_at_the_next_record(connection: Connection) -> None:
    now, hub = Instant(EVENING, 10**9, uuid4()), uuid4()
    for host_id in (None, hub, None, uuid4()):
        await record_clocks(connection, host_id, *now.columns)
    assert await connection.fetchval("select host_id from host_boots where host_boot_id = $1", now.host_boot_id) == hub


async def test_boots_of_readings_that_waited_are_recorded_once(connection: Connection) -> None:
    recorder, waited = BootRecorder(), uuid4()
    await recorder.renew(connection, at_once=True)
    instants = [Instant(EVENING + timedelta(seconds=n), n * 10**9, waited) for n in (7, 3, 9)]
    await recorder.take(connection, [*instants, host_now()])
    rows = await connection.fetch("select host_boot_id, first_clock_ns, mono_ns from host_boots order by number")
    assert [row["host_boot_id"] for row in rows] == [waited, host.host_boot_id()]
    assert (rows[0]["first_clock_ns"], rows[0]["mono_ns"]) == (3 * 10**9, 9 * 10**9)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (31, "31 s"), (7200, "2 hours"), (1.7e9, "54 years"), (200_000, "2 days")]
)
def test_span_is_described_in_its_largest_unit(seconds: float, text: str) -> None:
    assert describe_span(seconds) == text
