"""The feed's statements read the rows that they return, whatever the size of ``events`` and its statistics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection, use_index_plans
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import FeedCursor, current_cursor, held_back, read_page
from tests.edge.statement_costs import PREPARED_AFTER, Statement, rows_read, statements_planned_each_time

PAGE = 100
TRANSACTIONS = 20
EVENTS = 20_000
"""More rows than any plan for a small table would read unnoticed."""
INSERT = """insert into events (type, lane, data)
    select 'shot.created', 1, jsonb_build_object('n', n, 'text', repeat('x', 200)) from generate_series(1, $1::int) n"""


@asynccontextmanager
async def two_connections(settings: ServiceSettings) -> AsyncIterator[tuple[Connection, Connection]]:
    async with open_database(settings, application="test") as database:
        one, other = await database.connect(), await database.connect()
        await use_index_plans(one)
        try:
            yield one, other
        finally:
            one.terminate()
            other.terminate()


async def prepare(connection: Connection, *statements: Statement) -> None:
    """Let PostgreSQL settle on a plan for each statement, as a reader does that starts with an empty table."""
    for statement in statements:
        for _ in range(PREPARED_AFTER):
            await statement(connection)


def page_after(cursor: FeedCursor) -> Statement:
    return lambda connection: read_page(connection, cursor, PAGE)


@pytest.mark.parametrize("statistics", ["none", "of the empty table", "current"])
async def test_a_page_reads_its_own_rows_only(database_settings: ServiceSettings, statistics: str) -> None:
    async with two_connections(database_settings) as (reader, writer):
        start = await current_cursor(reader)
        if statistics == "of the empty table":
            await writer.execute("analyze events")
        await prepare(reader, page_after(start), current_cursor)
        for _ in range(TRANSACTIONS):
            await writer.execute(INSERT, EVENTS // TRANSACTIONS)
        if statistics == "current":
            await writer.execute("analyze events")
        first = await read_page(reader, start, PAGE)
        assert (len(first.events), first.more_soon) == (PAGE, True)
        assert await rows_read(reader, "events", page_after(first.cursor)) == (0, PAGE + 1)
        newest = await current_cursor(reader)
        assert await rows_read(reader, "events", page_after(newest)) == (0, 1)
        assert await rows_read(reader, "events", current_cursor) == (0, 1)


async def test_the_server_plans_a_page_once_beside_many_events(database_settings: ServiceSettings) -> None:
    """Whatever the cursor and the limit are: a plan that their values change is made anew at each read."""
    async with two_connections(database_settings) as (reader, writer):
        start = await current_cursor(reader)
        for _ in range(TRANSACTIONS):
            await writer.execute(INSERT, EVENTS // TRANSACTIONS)
        await writer.execute("analyze")
        newest = await current_cursor(reader)
        for number in range(PREPARED_AFTER):
            await read_page(reader, newest if number % 2 else start, PAGE - number)
            await current_cursor(reader)
        assert await statements_planned_each_time(reader, "events") == []


async def test_a_server_that_compiles_statements_compiles_no_page(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    """Debian's PostgreSQL compiles what looks expensive, and the scan of a one-row table does while scans are excluded."""
    await connection.execute(f"alter database {database_settings.database.db} set jit = on")
    async with two_connections(database_settings) as (reader, writer):
        assert await writer.fetchval("show jit") == "on"
        assert await reader.fetchval("show jit") == "off"


async def test_a_held_back_page_reads_no_unreadable_event(database_settings: ServiceSettings) -> None:
    """An older transaction is open, so that every event of the load is held back."""
    async with two_connections(database_settings) as (reader, writer):
        await writer.execute(INSERT, EVENTS)
        present = await current_cursor(reader)
        async with open_database(database_settings, application="older") as database:
            older = await database.connect()
            await older.execute("begin; select pg_current_xact_id()")
            for _ in range(TRANSACTIONS):
                await writer.execute(INSERT, EVENTS // TRANSACTIONS)
            page = await read_page(reader, present, PAGE)
            assert (page.events, page.more_soon) == ((), True)
            assert await rows_read(reader, "events", page_after(present)) == (0, 1)
            assert await rows_read(reader, "events", current_cursor) == (0, 1)
            scanned, held = await rows_read(reader, "events", held_back)
            assert (scanned, held) == (0, EVENTS)  # the oldest of them is searched for
            older.terminate()


async def test_uncommitted_events_cost_the_reader_nothing_lasting(database_settings: ServiceSettings) -> None:
    async with two_connections(database_settings) as (reader, writer):
        await writer.execute(INSERT, EVENTS)
        present = await current_cursor(reader)
        load = writer.transaction()
        await load.start()
        await writer.execute(INSERT, PAGE)
        assert not (await read_page(reader, present, PAGE)).more_soon
        assert (await rows_read(reader, "events", page_after(present)))[0] == 0
        await load.rollback()
        await read_page(reader, present, PAGE)
        assert await rows_read(reader, "events", page_after(present)) == (0, 1)
