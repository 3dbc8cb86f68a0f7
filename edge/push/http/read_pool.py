"""Access to the database for requests: a small pool, opened on first use, and one error while it is unreachable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg

from edge.common.advice import as_typed
from edge.common.postgres.connection import DATABASE_FAULTS, Connection, Pool
from edge.common.postgres.database import Database
from edge.push.http.public_errors import public_cause

MAX_CONNECTIONS = 4
TIMEOUT_S = 3.0
"""Deadline of a query. A client is waiting: an early error serves it better than a long silence."""

_SCHEMA_MISSING = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InsufficientPrivilegeError,
    LookupError,
)
"""Errors before the first migration or during one: tables exist before the right to read them."""

_OWN_FAULTS = (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""Errors of a query itself, which are defects of this program and not of the connection."""


class DatabaseAwayError(Exception):
    """The database cannot be read now. The message gives the cause in words for every client; retry later, or check PostgreSQL."""


class PoolBusyError(DatabaseAwayError):
    """All connections of the pool are in use, while the database answers. The message says so for every client."""


class ReadPool:
    """Runs queries on pooled connections, under the role of its database."""

    def __init__(self, database: Database, max_connections: int = MAX_CONNECTIONS) -> None:
        self._database = database
        self._max_connections = max_connections
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._free = asyncio.Semaphore(max_connections)

    @property
    def is_full(self) -> bool:
        """Whether the next one has to wait for a connection."""
        return self._free.locked()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for a few queries.

        Raises PoolBusyError when others use all of them for longer than a client waits, DatabaseAwayError when the database
        gives none or it is lost.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolBusyError("other requests use all connections to the database; try again") from error
        try:
            async with self._lent() as connection:
                yield connection
        finally:
            self._free.release()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                pool = await self._opened()
                connection = await pool.acquire(timeout=TIMEOUT_S)
            try:
                yield cast("Connection", connection)  # the pool's proxy, which behaves as one
            finally:
                await asyncio.shield(pool.release(connection, timeout=TIMEOUT_S))
        except _SCHEMA_MISSING as error:
            raise DatabaseAwayError(as_typed("its schema is missing; run `archstats-sensor db migrate`")) from error
        except _OWN_FAULTS:
            raise
        except DATABASE_FAULTS as error:
            raise DatabaseAwayError(public_cause(error)) from error

    async def value(self, query: str, *arguments: object) -> str | None:
        """Return the text in the first column of ``query``. Raises DatabaseAwayError."""
        async with self.connection() as connection:
            found: str | None = await connection.fetchval(query, *arguments, timeout=TIMEOUT_S)
            return found

    def close(self) -> None:
        """Drop the pool without waiting for its connections."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _opened(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._database.pool(0, self._max_connections)
            return self._pool
