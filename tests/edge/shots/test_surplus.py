"""Surplus readings of a device that chatters: the assembler neither reads them nor reads past them."""

from __future__ import annotations

from functools import partial

from edge.common.postgres.connection import use_index_plans
from edge.common.postgres.database import Database
from edge.shots.assembler import Assembler
from edge.shots.store.context import load_snapshot
from edge.shots.store.readings import readings_of
from edge.shots.store.sessions import read_sessions
from edge.shots.store.shares import SHARES
from edge.shots.store.updates import pages_since, read_updates
from tests.edge.lane_rows import BOOT, LaneRows
from tests.edge.statement_costs import rows_read

SURPLUS = 20_000
NOT_SURPLUS = 50
"""Rows that an index scan may read of a lane with one shot; a row counts in each version."""


async def add_surplus(lane: LaneRows) -> None:
    """Store landings of one second, as a chattering target reports them."""
    await lane.connection.execute(
        """
        insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, source,
                              x_mm, y_mm, is_surplus)
        select $1, gen_random_uuid(), n, 'landing', $3::timestamptz + n * interval '50 us', 0.0005, n * 50000, $4, $3,
            'simulator', 640, 640, true
        from generate_series(1, $2) n
        """,
        lane.target, SURPLUS, lane.at(20.0), BOOT,
    )  # fmt: skip


async def test_surplus_readings_are_in_no_shot(lane: LaneRows, database: Database) -> None:
    connection = await database.connect()
    assembler = Assembler(connection, range(SHARES))
    await lane.shoot(20.0)
    await add_surplus(lane)
    await lane.land(20.4, x=650.0)
    await assembler.step()
    rows = await lane.connection.fetch("select result, x from shots")
    assert [tuple(row) for row in rows] == [("hit", 650.0)]
    assert await lane.connection.fetchval("select count(*) from orphans") == 0
    seen = await load_snapshot(connection, lane.session_id)
    assert seen is not None
    assert len(seen.readings) == 3, "the explanation of a shot is made of the same readings"
    await connection.close()


async def test_statements_of_the_assembler_read_no_surplus_row(lane: LaneRows) -> None:
    await use_index_plans(lane.connection)
    await lane.connection.execute("update sessions set start_mono_ns = 0, start_host_boot_id = $1", BOOT)
    await lane.shoot(20.0)
    await add_surplus(lane)
    windows = {i: rows.window for i, rows in (await read_sessions(lane.connection, [lane.session_id])).items()}
    await rows_read(lane.connection, "readings", partial(read_updates, since_xmin=3, devices=[]))  # prepares it
    for statement in (
        partial(read_updates, since_xmin=3, devices=[]),
        partial(readings_of, windows=windows),
    ):
        read = await rows_read(lane.connection, "readings", statement)
        assert read.scanned == 0
        assert read.found < NOT_SURPLUS
    assert [len(page) async for page in pages_since(lane.connection, 3)] == [2]
