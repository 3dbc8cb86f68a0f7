"""A database whose tables have been filled for weeks, and the cost of an assembler's start, a page and a shot beside them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from benchmarks.hub import Hub
from benchmarks.load import Load, loaded_range
from drivers.clock.host import host_now
from edge.common.postgres.connection import Connection
from edge.common.postgres.embedded.cluster import DATABASE
from edge.common.postgres.feed import FeedCursor, current_cursor, read_page

SMALL, LARGE = "small", "large"
"""Names of the template databases."""
LANES = 8
"""Lanes whose devices have the older readings."""
BATCHES = 20
"""Transactions that the older rows are inserted in."""
SMALL_EVENTS = 200
"""Events on the small tables, so that a page is full there, too."""
PAGE = 100
READS = 40
"""Reads of each page."""


class TableSize(NamedTuple):
    """Rows of the large tables."""

    readings: int
    events: int


@dataclass(frozen=True, slots=True)
class TableCost:
    """Costs beside the tables of one size."""

    start_ms: float
    """From the start of an assembler to the event of a shot that awaits it, with open sessions."""
    newest_page_ms: float
    first_page_ms: float
    cpu_ms: float
    database_ms: float
    p50_ms: float
    p99_ms: float


async def make_templates(running: Hub, size: TableSize) -> tuple[str, str]:
    """Make a small and a large database; returns their names.

    Automatic vacuum is off from here on, so that its time does not decide; the statistics are fresh.
    """
    for name, rows in ((SMALL, TableSize(0, SMALL_EVENTS)), (LARGE, size)):
        await running.copy(DATABASE, name)
        connection = await running.connect(name)
        try:
            await connection.execute("alter system set autovacuum = off")
            await connection.execute("select pg_reload_conf()")
            await _fill(connection, rows)
        finally:
            await connection.close()
    return SMALL, LARGE


async def cost_beside(running: Hub, template: str, load: Load) -> TableCost:
    """Return the costs on a copy of a template."""
    async with loaded_range(running, template, load) as loaded:
        floor_s = await loaded.floor_s()
        running.stop(await loaded.start())
        start_s = await loaded.restart_s()
        pid = await loaded.start()
        try:
            cost = await loaded.measure(pid, floor_s)
        finally:
            running.stop(pid)
        newest, first = await _cursors(loaded.connection)
        return TableCost(
            start_s * 1000,
            await _page_ms(loaded.connection, newest),
            await _page_ms(loaded.connection, first),
            cost.cpu_ms,
            cost.database_ms,
            cost.p50_ms,
            cost.p99_ms,
        )


async def _fill(connection: Connection, rows: TableSize) -> None:
    """Insert readings of the last 30 days and events of the last 6."""
    await connection.execute(
        """
        insert into devices (id, kind, driver, lane)
        select kind || '-' || lane, kind, kind || '.link', lane from unnest('{bow,target}'::text[]) kind,
            generate_series(1, $1) lane
        """,
        LANES,
    )
    now, stream = host_now(), uuid4()
    for batch in range(BATCHES):
        first, last = (rows.readings * part // BATCHES for part in (batch, batch + 1))
        await connection.execute(
            """
            insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at,
                                  source, tag)
            select 'bow-' || n % $1 + 1, $2, n / $1 + 1, 'engage', $3::timestamptz - past, 0.001,
                $4::bigint - (extract(epoch from past) * 1e9)::bigint, $5, $3::timestamptz - past, 'simulator',
                'e2801160600002054e6b1c00'
            from generate_series($6::bigint, $7::bigint - 1) n,
                lateral (select interval '1 day' + interval '29 days' * (1 - n::float8 / $8) as past) age
            """,
            LANES, stream, now.at, now.mono_ns, now.host_boot_id, first, last, rows.readings,
        )  # fmt: skip
        first, last = (rows.events * part // BATCHES for part in (batch, batch + 1))
        await connection.execute(
            """
            insert into events (at, type, lane, data)
            select $1::timestamptz - interval '6 days' * (1 - n::float8 / $4), 'shot.updated', 1,
                jsonb_build_object('landing_seq', null, 'note', repeat('x', 1100))
            from generate_series($2::bigint, $3::bigint - 1) n
            """,
            now.at, first, last, rows.events,
        )  # fmt: skip
    await connection.execute("analyze")


async def _cursors(connection: Connection) -> tuple[FeedCursor, FeedCursor]:
    """Return the positions before the newest event and before the first one."""
    present = await current_cursor(connection)
    first = await connection.fetchval("select min(xid::text::bigint) from events")
    return FeedCursor(present.epoch, present.xid, present.id - 1), FeedCursor(present.epoch, first, 0)


async def _page_ms(connection: Connection, after: FeedCursor) -> float:
    took = []
    for _ in range(READS):
        began = time.perf_counter()
        page = await read_page(connection, after, PAGE)
        took.append(time.perf_counter() - began)
        if not page.events:
            raise RuntimeError(f"the feed has no event after {after}")
    return median(took) * 1000
