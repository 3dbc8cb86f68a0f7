"""A query of the API reads no more rows when the tables grow."""

from __future__ import annotations

import json

from edge.common.postgres.connection import Connection
from edge.push.api.queries import LANES
from edge.push.api.rows import rows
from tests.edge.lane_rows import LaneRows

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


async def rows_read(connection: Connection, table: str) -> int:
    """Return how many rows of a table and its indexes the query for all lanes reads."""
    async with connection.transaction():
        before = await connection.fetchval(_READ, table)
        await connection.fetchval(rows(LANES))
        found: int = await connection.fetchval(_READ, table) - before
    return found


_READ = """
    select (seq_tup_read + (
        select sum(pg_stat_get_xact_tuples_returned(indexrelid)) from pg_index where indrelid = relid
    ))::int from pg_stat_xact_user_tables where relname = $1
"""
