"""Write access to the database for changes: the role ``archstats_api``, and errors in the envelope instead of the database's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from edge.common.config.errors import CommandError, DatabaseUnavailable
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role, first_line
from edge.common.vocabulary import ErrorCode
from edge.push.http.envelope import ApiError, RequestRejected, reject
from edge.push.http.read_pool import DatabaseAwayError, ReadPool

MAX_WRITING: Final = 8
"""Most connections that change something at the same time."""
MAX_LONG: Final = 2
"""Most connections that are held for long, as programming an arrow does; ordinary changes never wait for them."""

_STATUS: Final = {
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CHANGED_MEANWHILE: 412,
    ErrorCode.INVALID_VALUE: 422,
    ErrorCode.NO_FIELDS: 422,
    ErrorCode.DATABASE_AWAY: 503,
}
"""Status of each error; 409 for the others, which the state of things refuses."""

_BUSY: Final = (asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError)


class WritePool:
    """Lends connections for changes. Each change checks that this database is no centre, where rows are only shown."""

    def __init__(self, database: Database, most: int = MAX_WRITING) -> None:
        self._pool = ReadPool(database.acting_as(Role.API), most)

    def refuse_full(self, message: str) -> None:
        """Raise RequestRejected (409) when all connections are in use: for work that holds one for longer than a client waits."""
        if self._pool.is_full:
            raise RequestRejected(409, (ApiError(ErrorCode.BUSY, message),), {"retry-after": "5"})

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection. Raises RequestRejected for what the change itself refuses, DatabaseAwayError without a database."""
        try:
            async with self._pool.connection() as connection:
                if await connection.fetchval("select is_centre from installation"):
                    raise reject(
                        409, ErrorCode.AT_CENTRE,
                        "this is the centre of several hubs, which only shows; make the change on the lane's hub",
                    )  # fmt: skip
                yield connection
        except DatabaseUnavailable as fault:
            raise DatabaseAwayError(fault.message) from fault
        except CommandError as fault:
            raise rejection(fault) from fault
        except asyncpg.IntegrityConstraintViolationError as fault:
            raise reject(
                409, "conflict", "this contradicts what is stored; read it again before the next try"
            ) from fault
        except asyncpg.DataError as fault:
            raise reject(422, ErrorCode.INVALID_VALUE, "a value lies outside of what can be stored") from fault
        except DatabaseAwayError as fault:
            if isinstance(fault.__cause__, _BUSY):
                raise reject(409, ErrorCode.BUSY, "another change of the same row is going on; try again") from fault
            if isinstance(fault.__cause__, asyncpg.RaiseError | asyncpg.ProgramLimitExceededError):
                raise reject(409, ErrorCode.REFUSED, first_line(fault.__cause__)) from fault
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection within one transaction. Raises the errors of :meth:`connection`."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    def close(self) -> None:
        """Drop the pool without waiting for its connections."""
        self._pool.close()


def rejection(fault: CommandError) -> RequestRejected:
    """Return the answer to what an operator's function refuses."""
    loc = ("body", fault.field) if fault.field else ()
    return RequestRejected(_STATUS.get(fault.code, 409), (ApiError(fault.code, fault.message, loc, fault.hint),))
