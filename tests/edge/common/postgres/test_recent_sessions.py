"""The sessions that a boot or a gap may concern: few whatever the wall clock, and locked in the order of lanes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.shots.store.sessions import open_sessions
from tests.edge.boot_rows import hub_boot
from tests.edge.lane_rows import LaneRows, started_ago

ZERO = datetime(2026, 10, 4, 16, 30, tzinfo=UTC)
CLOSED = 30
"""Closed sessions of one lane, all of which a wall clock of 1972 takes for recent ones."""


async def add_closed_sessions(lane: LaneRows) -> None:
    await lane.connection.execute(
        """
        insert into sessions (lane, start_time, closing_time, end_time, is_opened, location)
        select $1, now() + n * interval '1 day', now() + n * interval '1 day', now() + n * interval '1 day', false, 'test'
        from generate_series(1, $2::int) n
        """,
        lane.number, CLOSED,
    )  # fmt: skip


async def revisions(connection: Connection) -> dict[UUID, int]:
    rows = await connection.fetch("select session_id, revision from session_changes")
    return {row["session_id"]: row["revision"] for row in rows}


async def test_recent_sessions_are_few_under_a_wrong_clock(lane: LaneRows) -> None:
    connection = lane.connection
    await add_closed_sessions(lane)
    await LaneRows(connection, started_ago(10.0), 2).build()
    assert len(await open_sessions(connection, 86_400.0)) == 20 + 2
    before = await revisions(connection)
    await hub_boot(lane, ZERO).record(10.0)
    after = await revisions(connection)
    assert sum(after[session] != before[session] for session in after) == 20 + 2


async def test_gap_concerns_the_recent_sessions_of_its_device(lane: LaneRows) -> None:
    connection = lane.connection
    await add_closed_sessions(lane)
    before = await revisions(connection)
    await connection.execute(
        "insert into device_gaps (device_id, stream_id, since, until, reason) values ($1, $2, now(), now(), 'test')",
        lane.target, uuid4(),
    )  # fmt: skip
    after = await revisions(connection)
    assert sum(after[session] != before[session] for session in after) == 20 + 1


async def wait_for_lock(connection: Connection, process: int) -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval("select bool_or(not granted) from pg_locks where pid = $1", process):
            await asyncio.sleep(0.01)


async def test_sessions_are_dated_anew_in_the_order_of_lanes(database: Database) -> None:
    """As the assembler closes them: else each would wait for the other."""
    connection, closer = await database.connect(), await database.connect()
    for number in (2, 1):  # lane 1 comes last in the table
        lane = LaneRows(connection, started_ago(60.0), number)
        await lane.build()
    boot = hub_boot(lane, ZERO)
    await boot.record(10.0)
    await connection.execute("update sessions set start_host_boot_id = $1, start_mono_ns = 1000", boot.boot_id)
    async with closer.transaction():
        await closer.execute("select from sessions where lane = 1 for update")
        dating = asyncio.create_task(connection.execute("update host_boots set zero_at = $1", ZERO))
        await wait_for_lock(closer, connection.get_server_pid())
        await closer.execute("update sessions set location = 'elsewhere' where lane = 2")
    await dating
    rows = await closer.fetch("select location, extract(year from start_time)::int from sessions order by lane")
    assert [tuple(row) for row in rows] == [("test", 2026), ("elsewhere", 2026)]
    for one in (connection, closer):
        await one.close()
