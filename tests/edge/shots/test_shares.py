"""Several assemblers divide the lanes of one database, and each takes over when another dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.shots.store.shares import (
    MEMBER_LOCK,
    SHARE_LOCKS,
    SHARES,
    LaneShares,
    fair_shares,
    share_of,
    take_share,
    writable_shares,
)
from tests.edge.lane_rows import LaneRows, started_ago
from tests.edge.shots.running import assembler, until
from tests.eventually import eventually
from tests.timing import limit_s

TAKEN_OVER_WITHIN_S = 5.0
PROGRAM = Path(sys.executable).with_name("archstats-shots")


def environment_of(settings: ServiceSettings) -> dict[str, str]:
    """The environment of a program on the test's database."""
    own = settings.database
    return {
        "PATH": os.environ["PATH"], "POSTGRES_USER": own.user, "POSTGRES_DB": own.db,
        "POSTGRES_SOCKET_DIR": str(own.socket_dir), "ARCH_STATS_WS_CHANNEL": settings.ws_channel,
    }  # fmt: skip


@pytest.mark.parametrize("members", [[7], [7, 9], [3, 7, 9], list(range(1, 21))])
def test_members_divide_all_shares_evenly(members: list[int]) -> None:
    parts = [fair_shares(members, own) for own in members]
    assert frozenset().union(*parts) == set(range(SHARES))
    assert all(not one & other for one, other in combinations(parts, 2))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_neighbouring_lanes_go_to_different_assemblers() -> None:
    parts = [fair_shares([3, 7], own) for own in (3, 7)]
    assert [[share_of(lane) in part for part in parts] for lane in (1, 2)] == [[False, True], [True, False]]


@asynccontextmanager
async def members(database: Database, count: int) -> AsyncIterator[list[LaneShares]]:
    """Connections that joined as assemblers."""
    connections = [await database.connect() for _ in range(count)]
    joined = [LaneShares(connection) for connection in connections]
    for one in joined:
        await one.join()
    try:
        yield joined
    finally:
        for connection in connections:
            connection.terminate()


async def test_shares_move_to_a_member_that_joins(database: Database) -> None:
    async with members(database, 1) as (first,):
        assert await first.balance()
        assert len(first.held) == SHARES
        async with members(database, 1) as (second,):
            assert not await second.balance()  # the first one still holds them
            assert await first.balance()
            assert await second.balance()
            assert first.held | second.held == set(range(SHARES))
            assert not first.held & second.held
            assert not await first.balance()


async def test_no_share_is_held_twice(database: Database) -> None:
    async with members(database, 3) as joined:
        for _ in range(3):
            await asyncio.gather(*(one.balance() for one in joined))
            assert sum(len(one.held) for one in joined) == len(frozenset().union(*(one.held for one in joined)))
        assert sum(len(one.held) for one in joined) == SHARES


async def test_share_is_taken_after_the_last_write_for_it(database: Database) -> None:
    """A second connection of an assembler, that of the slow sessions, outlived the lock of the lane that it wrote."""
    writer, other = await database.connect(), await database.connect()
    async with members(database, 1) as (first,):
        await first.balance()
        writing = writer.transaction()
        await writing.start()
        assert await writable_shares(writer, first.process, {3, 4}) == {3, 4}
    async with members(database, 1) as (second,):
        async with asyncio.timeout(10):
            while len(second.held) < SHARES - 2:  # until the server has noticed that the first one is gone
                await second.balance()
        assert not await second.balance()
        assert second.held == set(range(SHARES)) - {3, 4}
        assert not await take_share(other, 3)
        await writing.commit()
        assert await second.balance()
        assert len(second.held) == SHARES
        async with writer.transaction():
            assert not await writable_shares(writer, first.process, {3, 4})
    await writer.close()
    await other.close()


async def two_lanes(connection: Connection) -> list[LaneRows]:
    lanes = [LaneRows(connection, started_ago(60.0), number) for number in (1, 2)]
    for lane in lanes:
        await lane.build()
    return lanes


async def writers(connection: Connection) -> set[int]:
    """The process ids of the connections that hold shares."""
    rows = await connection.fetch(
        "select distinct pid from pg_locks where locktype = 'advisory' and classid = $1::bigint::oid and granted"
        " and database = (select oid from pg_database where datname = current_database())",
        0x53686F74,
    )
    return {row["pid"] for row in rows}


async def test_two_assemblers_write_every_lane_once(database: Database, connection: Connection) -> None:
    one, two = await two_lanes(connection)
    async with assembler(database), assembler(database):
        async with asyncio.timeout(30):
            while len(await writers(connection)) < 2:
                await asyncio.sleep(0.05)
        for lane in (one, two):
            await lane.shoot(20.0)
            await lane.land(20.4)
        await until(one, "count(*) = 2 from shots where result = 'hit'")
    rows = await connection.fetch("select lane, revision from shots order by lane")
    assert [row["lane"] for row in rows] == [1, 2]
    events = await connection.fetch("select count(*) from events where type like 'shot.%' group by lane order by lane")
    assert [row["count"] for row in events] == [row["revision"] for row in rows]


def kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


async def test_lanes_of_a_killed_assembler_are_taken_over(
    database_settings: ServiceSettings, connection: Connection, pytestconfig: pytest.Config
) -> None:
    one, two = await two_lanes(connection)
    async with AsyncExitStack() as stack:
        processes = []
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                PROGRAM, env=environment_of(database_settings), stderr=asyncio.subprocess.DEVNULL
            )
            stack.push_async_callback(process.wait)
            stack.callback(kill, process)
            processes.append(process)
        async with asyncio.timeout(30):
            while len(await writers(connection)) < 2:
                await asyncio.sleep(0.05)
        processes[0].send_signal(signal.SIGKILL)
        for lane in (one, two):
            await lane.shoot(20.0)
            await lane.land(20.4)
        await until(one, "count(*) = 2 from shots where result = 'hit'", limit_s(pytestconfig, TAKEN_OVER_WITHIN_S))
        assert processes[1].returncode is None
    rows = await connection.fetch("select lane, result from shots order by lane")
    assert [tuple(row) for row in rows] == [(1, "hit"), (2, "hit")]


HOLDS = (
    "pg_try_advisory_lock(1399353204, 3)",
    "pg_advisory_lock_shared(1399353205, 0)",
    "pg_advisory_lock(1399353205, 0)",
)
"""Locks that stop a lane, take a fair part of the lanes away, and keep every assembler from joining."""


@pytest.mark.parametrize("hold", HOLDS)
async def test_session_that_is_no_assembler_loses_the_locks(
    database: Database, database_settings: ServiceSettings, connection: Connection, hold: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Also where no superuser migrated the database, so that every role may lock."""
    function = hold.partition("(")[0]
    await connection.execute(f"grant execute on function {function}(integer, integer) to archstats_push")
    settings = replace(database_settings, database=replace(database_settings.database, user=Role.PUSH.value))
    async with open_database(settings, application="psql", role=Role.PUSH) as other:
        holder = await other.connect()
        await holder.execute(f"select {hold}")
        async with members(database, 1) as (assembler_,):
            await assembler_.balance()
            await assembler_.balance()
            assert len(assembler_.held) == SHARES
        await eventually(holder.is_closed)
    assert f"process {holder.get_server_pid()} of user 'archstats_push' (psql)" in caplog.text


async def test_locks_of_the_schema_are_those_of_the_assembler(connection: Connection) -> None:
    body = await connection.fetchval("select prosrc from pg_proc where proname = 'end_foreign_lock_holders'")
    assert f"l.classid in ({SHARE_LOCKS}, {MEMBER_LOCK})" in body
