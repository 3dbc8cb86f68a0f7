"""Names for asyncpg's types, which are generic for the type checker only."""

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
