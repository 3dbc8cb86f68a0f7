"""Reading the database for answers: a small pool, made when it is first needed, and one clear error while it is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg

from edge.common.postgres.connection import DATABASE_FAULTS, Connection, Pool
from edge.common.postgres.database import Database

MAX_CONNECTIONS = 4
# A person waits for the answer: rather a clear "away" than a long silence.
TIMEOUT_S = 3.0


# Before the first migration, or while it runs: the tables come before the right to read them.
_NOT_READY = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InsufficientPrivilegeError,
    LookupError,
)


class DatabaseAwayError(Exception):
    """The database cannot be asked now. The message says why; the remedy is to wait, or to look after PostgreSQL."""


# Faults that say something about the question and not about the way to the database: those are ours to mend.
_OUR_MISTAKES = (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


class Store:
    """Read-only questions to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for a few questions. Raises DatabaseAwayError when there is none, or it goes meanwhile."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                pool = await self._opened()
                connection = await pool.acquire(timeout=TIMEOUT_S)
            try:
                yield cast("Connection", connection)  # the pool's proxy, which behaves as one
            finally:
                await asyncio.shield(pool.release(connection, timeout=TIMEOUT_S))
        except _NOT_READY as error:
            raise DatabaseAwayError("its schema is not there yet; run: archstats-sensor db migrate") from error
        except _OUR_MISTAKES:
            raise
        except DATABASE_FAULTS as error:
            raise DatabaseAwayError(str(error) or type(error).__name__) from error

    async def value(self, query: str, *arguments: object) -> str | None:
        """The text that ``query`` gives in its first column. Raises DatabaseAwayError."""
        async with self.connection() as connection:
            found: str | None = await connection.fetchval(query, *arguments, timeout=TIMEOUT_S)
            return found

    def close(self) -> None:
        """Let go of the pool without waiting for anybody."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _opened(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._database.pool(0, MAX_CONNECTIONS)
            return self._pool
