"""asyncpg's connections: their types, which are generic for the type checker only, their faults, and their plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

DATABASE_FAULTS: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Exceptions of a database that is away, rejects this process, or disconnects during a statement (a time-out is an OSError).

A server that ends the session between two messages of one statement confuses asyncpg's own state machine, which then
raises InternalClientError.
"""


async def use_index_plans(connection: Connection) -> None:
    """Let a connection that repeats a few statements for a long time find rows by index alone, one by one.

    PostgreSQL keeps the plan of a repeated statement. One made while a table was small, as after its rows were pruned, would
    read all of the table until the next ANALYZE, however large it is by then: by a scan, or in the order of an index to join
    it with a few rows.

    A table of one row is still scanned, at a cost that forbids it wherever there is another way. That cost alone would make a
    server compile the statement at each execution, which takes a hundred times longer than the statement.
    """
    await connection.execute(
        "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off"
    )
