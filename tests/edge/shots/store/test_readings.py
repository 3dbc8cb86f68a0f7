"""The assembler step by step: new readings, the stored reading position, and results in between."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
from pytest_mock import MockerFixture

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.shots import assembler as assembling
from edge.shots import session as sessions
from edge.shots import stuck
from edge.shots.assembler import Assembler
from edge.shots.store import updates
from edge.shots.store.shares import SHARES
from tests.edge.lane_rows import LaneRows, started_ago, stored_lane

MANY = 300_000
LONG_AGO = -10_000.0
"""An instant at which no session was open, seconds."""
STATEMENTS = {"fetch", "fetchval", "fetchrow", "execute", "executemany"}
AN_HOUR_AHEAD = -3600.0
"""Age in seconds of a session that starts in an hour, so that no time-out of the database's clock is near."""


class InterruptedConnection:
    """A connection that runs a callback right before one of its statements."""

    def __init__(self, connection: Connection, before: int, happens: Callable[[], Awaitable[None]]) -> None:
        self._connection = connection
        self._happens = happens
        self.left = before

    def __getattr__(self, name: str) -> object:
        real = getattr(self._connection, name)
        if name not in STATEMENTS:
            return real

        async def statement(*arguments: object) -> object:
            self.left -= 1
            if self.left == 0:
                await self._happens()
            return await real(*arguments)

        return statement


@pytest.fixture
async def ahead(database: Database) -> AsyncIterator[LaneRows]:
    async with stored_lane(database, started_ago(AN_HOUR_AHEAD)) as built:
        yield built


@pytest.fixture
async def own_connection(database: Database) -> AsyncIterator[Connection]:
    """The assembler's connection, with the rights of its role."""
    connection = await database.acting_as(Role.SHOTS).connect()
    yield connection
    await connection.close()


@pytest.fixture
def started(own_connection: Connection) -> Callable[[], Assembler]:
    """Returns a newly started assembler with each call."""
    return lambda: Assembler(own_connection, range(SHARES))


Started = Callable[[], Assembler]


async def results(lane: LaneRows) -> list[str]:
    rows = await lane.connection.fetch("select result from shots order by arrow_disengage_time")
    return [row["result"] for row in rows]


async def published(lane: LaneRows) -> list[str]:
    rows = await lane.connection.fetch(
        "select data ->> 'result' as result from events where type like 'shot.%' order by xid, id"
    )
    return [row["result"] for row in rows]


async def unread_readings(lane: LaneRows) -> int:
    """The number of readings that a newly started assembler would read."""
    count: int = await lane.connection.fetchval(
        "select count(*) from readings where xid >= (select min(before_xid) from assembly_progress)"
    )
    return count


async def close(lane: LaneRows) -> None:
    await lane.connection.execute(
        "update sessions set is_opened = false, closing_time = $1, end_time = $1", lane.at(50.0)
    )


async def shoot_without_session(lane: LaneRows, arrows: int) -> None:
    """Store releases from a time without an open session."""
    await lane.connection.execute(
        """
        insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
        select 'bow-1', $1, 1000000 + n, 'release', $2::timestamptz - n * interval '1 ms', $1, now(), 'simulator'
        from generate_series(1, $3) n
        """,
        lane.streams["bow-1"],
        lane.at(LONG_AGO),
        arrows,
        timeout=120,
    )


async def test_readings_without_a_session_are_read_once(
    lane: LaneRows, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembling, "SAVE_EVERY_S", 0.0)
    assembler = started()
    await shoot_without_session(lane, 30)
    await assembler.step()
    assert await results(lane) == []
    assert await unread_readings(lane) == 0


async def test_quiet_second_writes_no_progress(
    lane: LaneRows, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembling, "SAVE_EVERY_S", 0.0)
    assembler = started()
    await shoot_without_session(lane, 3)
    await assembler.step()
    before = await lane.connection.fetchval("select max(xmin::text || before_xid::text) from assembly_progress")
    await lane.set_watermarks(59.0)  # another transaction
    await assembler.step()
    assert await lane.connection.fetchval("select max(xmin::text || before_xid::text) from assembly_progress") == before


async def test_many_new_readings_are_read_in_pages(
    lane: LaneRows, started: Started, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    monkeypatch.setattr(updates, "NEWS_AT_ONCE", 4)
    asked = mocker.spy(assembling, "sessions_near")
    assembler = started()
    await lane.shoot(58.0)
    await assembler.step()
    assert await results(lane) == ["pending"]
    await shoot_without_session(lane, 21)
    await lane.land(58.4)
    await shoot_more_without_session(lane)
    await lane.set_watermarks(3600.0)
    await assembler.step()
    assert await published(lane) == ["pending", "hit"]
    assert max(len(call.args[1]) for call in asked.call_args_list) <= 4
    assert await unread_readings(lane) == 0


async def shoot_more_without_session(lane: LaneRows) -> None:
    for n in range(6):
        await lane.add_reading("bow-1", "release", LONG_AGO - 100 - n)


async def test_late_landing_among_many_reaches_its_old_session(
    database: Database, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "NEWS_AT_ONCE", 4)
    monkeypatch.setattr(assembling, "SESSIONS_AT_ONCE", 1)
    async with stored_lane(database, started_ago(3 * 86_400.0)) as old:
        await old.shoot(20.0)
        await old.set_watermarks(60.0)
        await close(old)
        await old.connection.execute(
            "insert into rebuilds (session_id, who, reason) select id, 'test', 'test' from sessions"
        )
        await started().step()
        assert await results(old) == ["miss"]
        await shoot_without_session(old, 10)
        await old.land(20.4)
        await shoot_more_without_session(old)
        await old.connection.execute(
            "insert into sessions (id, lane, start_time, location)"
            " values ('ffffffff-ffff-4fff-8fff-ffffffffffff', 2, now(), 'computed in a transaction of its own, after it')"
        )
        await started().step()
        assert await results(old) == ["hit"]
        assert await unread_readings(old) == 0


async def test_landing_stored_during_a_step_is_no_miss(
    ahead: LaneRows, own_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two statements: a landing is never behind a watermark that was read without it."""
    monkeypatch.setattr(sessions, "RECHECK_S", 0.0)
    for number in itertools.count(1):
        release = 10.0 * number

        async def lands(release: float = release) -> None:
            await ahead.land(release + 0.4)
            await ahead.set_watermarks(release + 5.0)

        connection = InterruptedConnection(own_connection, 0, lands)
        assembler = Assembler(cast("Connection", connection), range(SHARES))
        await assembler.step()
        await ahead.shoot(release)
        connection.left = number
        for _ in range(2):
            await assembler.step()
        assert "miss" not in await published(ahead), f"before statement {number}"
        if connection.left > 0:
            break
    assert number > 4, "nothing was interrupted"


async def test_closing_session_waits_for_a_late_release(ahead: LaneRows, started: Started) -> None:
    assembler = started()
    await ahead.connection.execute("update sessions set closing_time = $1", ahead.at(50.0))
    await ahead.set_watermarks(49.0)
    await assembler.step()
    assert await ahead.connection.fetchval("select is_opened from sessions")
    await ahead.shoot(49.5)
    await ahead.land(49.9)
    await ahead.set_watermarks(60.0)
    await assembler.step()
    assert await results(ahead) == ["hit"]
    assert not await ahead.connection.fetchval("select is_opened from sessions")


async def refuse_hits(lane: LaneRows) -> None:
    await lane.connection.execute("alter table shots add constraint broken check (result <> 'hit')")


async def accept_hits(lane: LaneRows) -> None:
    await lane.connection.execute("alter table shots drop constraint broken")


async def test_refused_session_is_retried_after_a_restart(
    database: Database, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed and old, so that only the stored request brings it back; and it blocks no progress."""
    monkeypatch.setattr(assembling, "SAVE_EVERY_S", 0.0)
    async with stored_lane(database, started_ago(3 * 86_400.0)) as old:
        await refuse_hits(old)
        await close(old)
        await old.shoot(20.0)
        await old.land(20.4)
        assembler = started()
        for _ in range(2):
            await assembler.step()
        assert await results(old) == []
        assert await unread_readings(old) == 0
        assert await old.connection.fetchval("select count(*) from rebuilds where done_at is null") == 1
        await accept_hits(old)
        await started().step()
        assert await results(old) == ["hit"]
        assert await old.connection.fetchval("select count(*) from rebuilds where done_at is null") == 0


async def test_stuck_session_is_retried_with_the_sweep_only(
    lane: LaneRows, started: Started, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    monkeypatch.setattr(stuck, "FIRST_RETRY_S", 3600.0)
    await refuse_hits(lane)
    await lane.shoot(20.0)
    await lane.land(20.4)
    await lane.connection.execute(
        "insert into rebuilds (session_id, who, reason) select id, 'test', 'test' from sessions"
    )
    loaded = mocker.spy(sessions, "readings_of")
    assembler = started()
    await assembler.step()
    await lane.add_reading("bow-1", "engage", 30.0)  # a doorbell
    await assembler.step()
    await assembler.step()
    assert loaded.call_count == 1
    await accept_hits(lane)
    await started().step()
    assert await results(lane) == ["hit"]
    assert await lane.connection.fetchval("select count(*) from rebuilds where done_at is null") == 0


async def test_sessions_are_written_before_further_ones_load(
    lane: LaneRows, started: Started, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    """So memory holds a few of them only, however many there are."""
    monkeypatch.setattr(assembling, "SESSIONS_AT_ONCE", 1)
    for number in range(2, 5):
        await LaneRows(lane.connection, lane.session, number).build()
    await lane.connection.execute("update sessions set closing_time = $1", lane.at(10.0))
    order: list[str] = []
    for name in ("load_sessions", "write_results"):
        mocker.patch.object(assembling, name, noting(order, name, getattr(assembling, name)))
    assembler = started()
    await assembler.step()
    while assembler.next_due_s < 0.0:
        await assembler.step()
    fourth = [i for i, name in enumerate(order) if name == "load_sessions"][3]
    assert order[:fourth].count("write_results") >= 2


def noting(order: list[str], name: str, real: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """The function, which notes its calls."""

    async def noted(*arguments: object) -> object:
        if arguments[1]:
            order.append(name)
        return await real(*arguments)

    return noted


async def test_refused_session_that_is_deleted_is_forgotten(
    lane: LaneRows, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "FIRST_RETRY_S", 0.0)
    await refuse_hits(lane)
    await lane.shoot(20.0)
    await lane.land(20.4)
    assembler = started()
    await assembler.step()
    assert assembler.next_due_s <= 0.0
    await lane.connection.execute("delete from sessions")
    await assembler.step()
    assert assembler.next_due_s == float("inf")


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_start_after_very_many_readings_needs_little_memory(
    lane: LaneRows, started: Started, own_connection: Connection
) -> None:
    await own_connection.execute("set idle_session_timeout = 0")  # a busy machine stores the readings in over a minute
    await shoot_without_session(lane, MANY)
    await lane.shoot(20.0)
    await lane.land(20.4)
    tracemalloc.start()
    try:
        await started().step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert await results(lane) == ["hit"]
    assert await unread_readings(lane) == 0
    assert peak < 30e6
