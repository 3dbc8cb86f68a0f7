"""The costs of a statement that a connection repeats: the rows that it reads, and how often the server plans it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from edge.common.postgres.connection import Connection

PREPARED_AFTER = 6
"""Executions after which PostgreSQL keeps the plan of a prepared statement that it plans no cheaper for its values."""

Statement = Callable[[Connection], Awaitable[object]]

_ROWS = """select coalesce(sum(seq_tup_read), 0)::int as scanned,
        (select sum(pg_stat_get_xact_tuples_returned(indexrelid))::int from pg_index where indrelid = $1::regclass) as found
    from pg_stat_xact_user_tables where relid = $1::regclass"""


class RowsRead(NamedTuple):
    """The rows of one table that a statement reads."""

    scanned: int
    """By a scan of the table."""
    found: int
    """By an index; a row counts in each version that was not vacuumed."""


async def rows_read(connection: Connection, table: str, statement: Statement) -> RowsRead:
    """Return how many rows of a table a statement reads."""
    async with connection.transaction():  # the server publishes its counts, and starts again, between transactions only
        before = await _rows(connection, table)
        await statement(connection)
        after = await _rows(connection, table)
    return RowsRead(after.scanned - before.scanned, after.found - before.found)


async def _rows(connection: Connection, table: str) -> RowsRead:
    row = await connection.fetchrow(_ROWS, table)
    assert row is not None
    return RowsRead(*row)


async def statements_planned_each_time(connection: Connection, table: str) -> list[str]:
    """Return the prepared statements on a table that the server did not stop to plan anew for their values."""
    rows = await connection.fetch(
        "select statement, custom_plans from pg_prepared_statements where statement like '%' || $1 || '%'", table
    )
    assert rows, f"nothing was prepared on {table}"
    return [row["statement"] for row in rows if row["custom_plans"] >= PREPARED_AFTER]
