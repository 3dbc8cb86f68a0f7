"""Commands to the scripted bow, as an operator requests them: for tests of its daemon."""

from __future__ import annotations

import asyncio

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CommandState

INSERT = (
    "insert into commands (device_id, kind, arguments, who, deadline_s) values ($1, $2, $3, 'Robin', $4) returning id"
)


async def register_bow(connection: Connection) -> None:
    """Make the bow known to the database."""
    await connection.execute("insert into devices (id, kind, driver, lane) values ('bow-1', 'bow', 'bow.scripted', 1)")


async def request(connection: Connection, kind: str, arguments: str = "{}", deadline_s: float = 30.0) -> int:
    number: int = await connection.fetchval(INSERT, "bow-1", kind, arguments, deadline_s)
    return number


async def until(connection: Connection, number: int, *states: CommandState, phase: bool = False) -> asyncpg.Record:
    """The row of a command once it has one of these states, and a phase."""
    async with asyncio.timeout(10):
        while True:
            row = await connection.fetchrow("select * from commands where id = $1", number)
            assert row is not None
            if row["state"] in states and (row["phase"] is not None or not phase):
                return row
            await asyncio.sleep(0.01)


async def run(connection: Connection, kind: str, deadline_s: float = 30.0) -> asyncpg.Record:
    """Request a command and wait for its end."""
    number = await request(connection, kind, deadline_s=deadline_s)
    return await until(connection, number, CommandState.DONE, CommandState.FAILED, CommandState.CANCELLED)
