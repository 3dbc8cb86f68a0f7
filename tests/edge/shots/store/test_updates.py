"""The wake-ups of the assembler, and the blocks that its statements read: as many however large the tables are."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from edge.common.postgres.connection import use_index_plans
from edge.common.postgres.database import Database
from edge.shots.assembler import Assembler
from edge.shots.assembly.window import AFTER_END, BEFORE_START
from edge.shots.session import CLOCK_RECHECK_S, RECHECK_S
from edge.shots.store import readings, sessions, updates
from edge.shots.store.readings import ReadingRow, readings_of, sessions_near
from edge.shots.store.sessions import read_sessions
from edge.shots.store.shares import SHARES
from edge.shots.store.updates import read_updates
from tests.edge.lane_rows import BOOT, LaneRows, started_ago
from tests.edge.statement_costs import PREPARED_AFTER, statements_planned_each_time

OLD_READINGS = 30_000
OLD_SESSIONS = 600
OLD_ARROWS = 3_000
MORE_BLOCKS = 40
"""Blocks that a statement may read more where each index has a level more."""


async def blocks(lane: LaneRows, statement: str, *arguments: object) -> int:
    """The number of blocks that a statement reads."""
    row = await lane.connection.fetchval(f"explain (analyze, buffers, format json) {statement}", *arguments)
    plan = json.loads(row)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def grow(lane: LaneRows) -> None:
    """Store years of sessions, arrows and readings of the lane, as a bulk load leaves them: without statistics."""
    await lane.connection.execute(
        """
        insert into sessions (lane, start_time, location, is_opened, closing_time, end_time)
        select 1, s, 'old', false, s + interval '1 h', s + interval '1 h'
        from generate_series(1, $1) n, lateral (select now() - interval '9 h' * (n + 1) as s) t
        """,
        OLD_SESSIONS,
    )
    await lane.connection.execute(
        "insert into arrows (id, human_identifier, length) select gen_random_uuid(), 'R' || n, 70 from generate_series(1, $1) n",
        OLD_ARROWS,
    )
    await lane.connection.execute(
        """
        insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, received_at, source, xid)
        select 'bow-1', $1, n, 'release', now() - interval '1 h' - n * interval '1 min', n, $1, now(), 'simulator', '3'
        from generate_series(1, $2) n
        """,
        uuid4(),
        OLD_READINGS,
    )


async def news(lane: LaneRows) -> list[ReadingRow]:
    found = await lane.connection.fetch(f"select {readings.READING_ROW} as row from readings r where r.xid > '3'::xid8")
    return [ReadingRow(*record["row"]) for record in found]


def times(rows: Sequence[ReadingRow]) -> list[list[object]]:
    return [[getattr(row, name) for row in rows] for name in ("device_id", "at", "mono_ns", "host_boot_id")]


async def cost(lane: LaneRows, since: int) -> dict[str, int]:
    rows = await news(lane)
    return {
        "updates": await blocks(lane, updates._UPDATES, str(since), list(lane.devices)),
        "sessions near": await blocks(lane, readings._SESSIONS_NEAR, BEFORE_START, AFTER_END, *times(rows)),
        "readings of a session": await blocks(lane, readings._READINGS_OF, [lane.session_id], BEFORE_START, AFTER_END),
        "session": await blocks(lane, sessions._SESSIONS, [lane.session_id]),
    }


async def test_statements_read_no_more_when_tables_grow(lane: LaneRows) -> None:
    await lane.connection.execute("update sessions set start_mono_ns = 0, start_host_boot_id = $1", BOOT)
    small = await cost(lane, 3)
    await grow(lane)
    since = int(await lane.connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text"))
    await lane.shoot(20.0)
    await lane.land(20.4)
    large = await cost(lane, since)
    assert {name: value for name, value in large.items() if value > small[name] + MORE_BLOCKS} == {}


async def test_no_statement_scans_a_table_whole(lane: LaneRows) -> None:
    """Not even with plans that were made without statistics."""
    await use_index_plans(lane.connection)
    await lane.connection.execute("set plan_cache_mode = force_generic_plan")
    await grow(lane)
    scanned: list[str] = []
    for number, statement in enumerate(
        (updates._UPDATES, readings._SESSIONS_NEAR, readings._READINGS_OF, sessions._SESSIONS, sessions._CORRECTIONS)
    ):
        await lane.connection.execute(f"prepare statement_{number} as {statement}")
        parameters = ", ".join("null" for _ in set(re.findall(r"\$\d+", statement)))
        plan = await lane.connection.fetch(f"explain execute statement_{number} ({parameters})")
        scanned += [line for (line,) in plan if "Seq Scan" in line]
    assert scanned == []


async def test_the_server_plans_once_beside_large_tables(lane: LaneRows) -> None:
    """Whatever the parameters are: a plan that their values change is made anew at each shot, for 0.6 ms."""
    await grow(lane)
    await lane.connection.execute("analyze")
    for number in range(PREPARED_AFTER + 6):
        await lane.shoot(20.0 + number)
        since = int(await lane.connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text")) - number
        await read_updates(lane.connection, since, list(lane.devices)[: 1 + number % 2])
    assert await statements_planned_each_time(lane.connection, "session_changes") == []


async def test_status_of_idle_devices_wakes_no_assembler(lane: LaneRows, database: Database) -> None:
    notified: asyncio.Queue[str] = asyncio.Queue()
    listening = await database.connect()
    await listening.add_listener("archy_readings", lambda *arguments: notified.put_nowait(str(arguments[3])))
    for t in range(20):
        await lane.set_watermarks(float(t))
    await lane.shoot(20.0)
    async with asyncio.timeout(10):
        assert await notified.get() == "bow-1"  # notifications come in order: none was sent before
    await listening.close()


async def test_assembler_rests_until_something_is_due(lane: LaneRows, database: Database) -> None:
    connection = await database.connect()
    assembler = Assembler(connection, range(SHARES))
    await assembler.step()
    assert assembler.next_due_s == float("inf")
    await lane.shoot(58.0)
    await assembler.step()
    assert 0.0 < assembler.next_due_s <= RECHECK_S  # a shot awaits its landing
    await lane.land(58.4)
    await assembler.step()
    assert RECHECK_S < assembler.next_due_s < 60.0  # only the end may time out
    await connection.close()


async def test_clock_that_is_off_is_stored_again_at_rest(lane: LaneRows, database: Database) -> None:
    connection = await database.connect()
    assembler = Assembler(connection, range(SHARES))
    for t in (5.0, 10.0):
        await lane.shoot(t)
        await lane.land(t + 0.36)
    await lane.connection.execute("update readings set uncertainty_s = 0.1 where kind = 'release'")
    await lane.add_reading("target-1", "tags", 15.0)
    await lane.set_watermarks(50.0)
    await assembler.step()
    assert await lane.connection.fetchval("select clock_off from device_status where device_id = 'bow-1'")
    assert RECHECK_S < assembler.next_due_s <= CLOCK_RECHECK_S
    await connection.close()


async def test_change_of_a_session_is_found_by_its_revision(lane: LaneRows, database: Database) -> None:
    connection = await database.connect()
    assembler = Assembler(connection, range(SHARES))
    await lane.shoot(20.0)
    await lane.land(20.4)
    await assembler.step()
    await lane.connection.execute("update faces set points = '{8, 7, 1}'")
    await assembler.step()
    row = await lane.connection.fetchrow("select points, revision from shots")
    assert row is not None
    assert tuple(row) == (8, 2)
    await connection.close()


async def test_session_that_is_opened_again_takes_all_readings(lane: LaneRows, database: Database) -> None:
    connection = await database.connect()
    assembler = Assembler(connection, range(SHARES))
    await lane.set_watermarks(15.0)
    await lane.shoot(18.0)
    await lane.connection.execute("update sessions set closing_time = $1", lane.at(20.0))
    await assembler.step()
    assert not await lane.connection.fetchval("select is_opened from sessions")
    await lane.shoot(40.0)
    await assembler.step()
    await lane.connection.execute("update sessions set closing_time = null, end_time = null, is_opened = true")
    await assembler.step()
    assert await lane.connection.fetchval("select count(*) from shots") == 2
    await connection.close()


@pytest.mark.parametrize("boot", [None, BOOT])
async def test_candidates_by_index_are_all_that_the_window_holds(lane: LaneRows, boot: UUID | None) -> None:
    """Readings around the window's borders, of the session's boot and of another."""
    first = LaneRows(lane.connection, started_ago(7200.0), 1)
    await lane.connection.execute(
        "update sessions set start_mono_ns = case when $1::uuid is null then null else 3600000000000 end, start_host_boot_id = $1,"
        " is_opened = false, closing_time = start_time + interval '30 s', end_time = start_time + interval '30 s',"
        " closing_mono_ns = case when $1::uuid is null then null else 3630000000000 end, closing_host_boot_id = $1",
        boot,
    )
    border = (-361.0, -359.0, 0.0, 29.0, 39.0, 41.0)
    for other in (BOOT, uuid4()):
        for t in border:
            first.seqs["bow-1"] = lane.seqs["bow-1"] = lane.seqs["bow-1"] + 1
            await lane.connection.execute(
                "insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, received_at, source)"
                " values ('bow-1', $1, $2, 'release', $3, $4, $5, now(), 'simulator')",
                lane.streams["bow-1"], lane.seqs["bow-1"], lane.at(t), 3_600_000_000_000 + int(t * 1e9), other,
            )  # fmt: skip
    everything = await news(lane)
    windows = {i: rows.window for i, rows in (await read_sessions(lane.connection, [lane.session_id])).items()}
    held = [row.seq for row in everything if windows[lane.session_id].holds(row.device_id, row.instant)]
    assert len(held) == 8
    assert sorted(row.seq for row in (await readings_of(lane.connection, windows))[lane.session_id]) == sorted(held)
    for row in everything:
        near = await sessions_near(lane.connection, [row])
        assert lane.session_id in near or row.seq not in held
