"""A query of the API reads no more rows when the tables grow."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from edge.common.postgres.connection import Connection
from edge.operator.records.locking import has_shots
from edge.push.api.queries import LANES
from edge.push.api.rows import rows
from tests.edge.lane_rows import BOOT, LaneRows

OLD = 3000
"""Older readings of the lane's bow: more than any plan for small tables would read."""


async def test_lanes_read_no_older_reading(lane: LaneRows, connection: Connection) -> None:
    await connection.execute("update sessions set is_opened = false, end_time = start_time + interval '1 hour'")
    await connection.execute(
        """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
            select $1, gen_random_uuid(), 1, 'release', now() - interval '1 hour' - n * interval '1 min', gen_random_uuid(),
                now(), 'simulator'
            from generate_series(1, $2::int) n""",
        lane.bow,
        OLD,
    )
    await connection.execute(
        """insert into sessions (lane, is_opened, start_time, end_time, start_mono_ns, start_host_boot_id, location, is_indoor)
            select lane, true, now(), null, start_mono_ns, start_host_boot_id, location, is_indoor from sessions""",
    )
    assert await rows_read(connection, "readings") < OLD / 10, "the lane has an open session"
    await connection.execute("update sessions set is_opened = false, end_time = now() where is_opened")
    assert await rows_read(connection, "readings") < OLD / 10, "no reading is recent"
    await connection.execute(
        """insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source, is_surplus)
            select $1, gen_random_uuid(), 1, 'landing', clock_timestamp() + interval '1 ms', gen_random_uuid(), now(), 'simulator',
                true
            from generate_series(1, $2::int) n""",
        lane.target,
        OLD,
    )
    assert await rows_read(connection, "readings") < OLD / 10, "surplus readings are no arrows"
    unclaimed = json.loads(await connection.fetchval(rows(LANES)))[0]["unclaimed"]
    assert unclaimed == 0


@pytest.mark.parametrize("is_opened", [True, False])
async def test_arrows_that_wait_are_found_by_index(lane: LaneRows, connection: Connection, *, is_opened: bool) -> None:
    await connection.execute(
        """insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, received_at, source)
            select $1, gen_random_uuid(), 1, 'release', start_time - n * interval '1 min', 1000000000 - n, $3, now(), 'simulator'
            from sessions, generate_series(1, $2::int) n""",
        lane.bow,
        OLD,
        BOOT,
    )
    if not is_opened:
        ended = "is_opened = false, end_time = start_time + interval '1 hour'"
        await connection.execute(f"update sessions set {ended}, closing_time = start_time + interval '1 hour'")
    clock = "start_mono_ns = 1000000001, start_host_boot_id = $1"
    await connection.execute(f"update sessions set {clock}", BOOT)

    async def look() -> None:
        assert not await has_shots(connection, lane.session_id)

    assert await rows_read(connection, "readings", look) < OLD / 10


async def rows_read(connection: Connection, table: str, look: Callable[[], Awaitable[None]] | None = None) -> int:
    """Return how many rows of a table and its indexes a look reads; the query for all lanes by default."""
    async with connection.transaction():
        before = await connection.fetchval(_READ, table)
        if look is None:
            await connection.fetchval(rows(LANES))
        else:
            await look()
        found: int = await connection.fetchval(_READ, table) - before
    return found


_READ = """
    select (seq_tup_read + (
        select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index where indrelid = relid
    ))::int from pg_stat_xact_user_tables where relname = $1
"""
