"""A reader of the feed gets every event exactly once and in order, whatever writers and listeners do."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database, wait_until_ready
from edge.common.postgres.embedded.cluster import EmbeddedPostgres
from edge.common.postgres.feed import RECHECK_S, FeedCursor, FeedEvent, current_cursor, held_back, prune, read_page
from edge.common.postgres.listener import Listener
from edge.common.postgres.migrate import migrate
from tests.eventually import eventually
from tests.postgres import copy_fresh_cluster, short_folder
from tests.proxy import database_proxy, settings_through

INSERT = "insert into events (type, lane, data) values ('reading.orphan', 1, jsonb_build_object('n', $1::int))"


@asynccontextmanager
async def connections(settings: ServiceSettings, count: int) -> AsyncIterator[list[Connection]]:
    async with open_database(settings, application="test") as database:
        opened = [await database.connect() for _ in range(count)]
        try:
            yield opened
        finally:
            for connection in opened:
                await connection.close()


def numbers(events: tuple[FeedEvent, ...]) -> list[int]:
    return [event.data["n"] for event in events]


async def test_events_of_late_commits_are_read_in_order(database_settings: ServiceSettings) -> None:
    async with connections(database_settings, 3) as (first, second, reader):
        cursor = await current_cursor(reader)
        early = first.transaction()
        await early.start()
        await first.execute(INSERT, 1)
        await second.execute(INSERT, 2)  # a later transaction, committed at once
        page = await read_page(reader, cursor, 10)
        assert (page.events, page.more_soon, page.cursor) == ((), True, cursor)
        await early.commit()
        page = await read_page(reader, page.cursor, 10)
        assert numbers(page.events) == [1, 2]
        assert not page.more_soon
        assert (await read_page(reader, page.cursor, 10)).events == ()


@pytest.fixture
def own_cluster() -> Iterator[EmbeddedPostgres]:
    """A separate server, which a test may kill."""
    folder = short_folder()
    copy_fresh_cluster(folder)
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


async def test_no_event_is_missed_after_a_server_crash(own_cluster: EmbeddedPostgres) -> None:
    """PostgreSQL reuses the numbers of transactions that left nothing on the disk."""
    address = DatabaseSettings(database_dir=own_cluster.base_dir)
    settings = ServiceSettings(database=address, ws_channel="archy")
    async with connections(settings, 1) as (first,):
        await migrate(first, "archy")
    for number in range(5):  # the server stores its progress every 15 s, perhaps just now
        async with connections(settings, 1) as (before,):
            for _ in range(50):
                await before.fetchval("select pg_current_xact_id()")
            used = int(await before.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text"))
            cursor = await current_cursor(before)
        os.kill(int((own_cluster.base_dir / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        async with open_database(settings, application="test") as opened:
            await wait_until_ready(opened)
        async with connections(settings, 1) as (after,):
            await after.execute(INSERT, number)
            page = await read_page(after, cursor, 10)
            assert numbers(page.events) == [number]
            if page.events[0].cursor.xid < used:
                return
    pytest.fail("no transaction number was reused, so the test proves nothing")


async def test_writer_that_holds_back_the_feed_is_named(database_settings: ServiceSettings) -> None:
    async with connections(database_settings, 3) as (idle, writer, reader):
        cursor = await current_cursor(reader)
        open_transaction = idle.transaction()
        await open_transaction.start()
        await idle.execute("insert into devices (id, kind, driver) values ('bow-9', 'bow', 'bow.link')")
        await writer.execute(INSERT, 1)
        assert await held_back(reader) is None  # not for long yet
        await writer.execute("update events set at = at - interval '3 seconds'")
        held = await held_back(reader)
        assert held is not None
        assert held.pid == idle.get_server_pid()
        assert 3 <= held.for_s < 60
        assert (held.application, held.state) == ("test", "idle in transaction")
        assert (await read_page(reader, cursor, 10)).more_soon
        await open_transaction.rollback()
        assert await held_back(reader) is None
        assert numbers((await read_page(reader, cursor, 10)).events) == [1]


async def test_successive_pages_are_complete(database_settings: ServiceSettings) -> None:
    async with connections(database_settings, 2) as (writer, reader):
        cursor = await current_cursor(reader)
        await writer.execute(
            "insert into events (type, data) select 'reading.orphan', jsonb_build_object('n', n) from generate_series(1, 25) n"
        )
        seen: list[int] = []
        for _ in range(3):
            page = await read_page(reader, cursor, 10)
            assert page.more_soon == (len(page.events) == 10)
            seen += numbers(page.events)
            cursor = page.cursor
        assert seen == list(range(1, 26))


async def test_reading_resumes_at_a_public_id(database_settings: ServiceSettings) -> None:
    async with connections(database_settings, 2) as (writer, reader):
        cursor = await current_cursor(reader)
        for n in range(1, 4):
            await writer.execute(INSERT, n)
        first = (await read_page(reader, cursor, 10)).events[0]
        page = await read_page(reader, FeedCursor.parse(str(first.cursor)), 10)
        assert numbers(page.events) == [2, 3]


@pytest.mark.parametrize("wrong", ["another epoch", "the future"])
async def test_foreign_event_id_is_a_gap(database_settings: ServiceSettings, wrong: str) -> None:
    async with connections(database_settings, 2) as (writer, reader):
        await writer.execute(INSERT, 1)
        now = await current_cursor(reader)
        cursor = (
            FeedCursor("0" * 8, now.xid, 1) if wrong == "another epoch" else FeedCursor(now.epoch, now.xid + 10**9, 1)
        )
        page = await read_page(reader, cursor, 10)
        assert page.gap
        assert page.events == ()
        await writer.execute(INSERT, 2)
        page = await read_page(reader, page.cursor, 10)
        assert not page.gap
        assert numbers(page.events) == [2]


async def test_only_pruned_events_are_a_gap(database_settings: ServiceSettings) -> None:
    async with connections(database_settings, 2) as (writer, reader):
        start = await current_cursor(reader)
        for n in range(1, 5):
            await writer.execute(INSERT, n)
        events = (await read_page(reader, start, 10)).events
        assert await prune(writer) == 0
        await writer.execute("update events set at = at - interval '8 days' where (data ->> 'n')::int <= 2")
        assert await prune(writer) == 2
        assert (await read_page(reader, start, 10)).gap
        assert (await read_page(reader, events[0].cursor, 10)).gap
        assert numbers((await read_page(reader, events[1].cursor, 10)).events) == [3, 4]
        assert await prune(writer, keep=timedelta(0)) == 2
        assert (await read_page(reader, events[2].cursor, 10)).gap
        assert not (await read_page(reader, events[3].cursor, 10)).gap


async def days_of_events(connection: Connection, *ages: float | None) -> None:
    """Store one event for each age in days by today's clock; None is a clock that was not set, of 1972."""
    await connection.execute("delete from events")
    for n, age in enumerate(ages, start=1):
        await connection.execute(INSERT, n)
        await connection.execute(
            "update events set at = case when $2::float8 is null then timestamptz '1972-06-01' "
            "else clock_timestamp() - $2 * interval '1 day' end where data -> 'n' = to_jsonb($1::int)",
            n,
            age,
        )


@pytest.mark.parametrize(
    ("ages", "kept"),
    [
        ((9.0, 8.0, 1.0), [3]),
        ((9.0, -900.0, 8.0, 1.0), [4]),  # a clock that stood in the future for a moment
        ((9.0, 1.0, -900.0, 0.5), [2, 3, 4]),
        ((None, None, 8.0, 1.0), [4]),  # a new hub without a clock battery, whose clock was set later
        ((9.0, None, None), [2, 3]),  # it started anew; its clock has just been set
        ((2.0, None, 1.0), [1, 2, 3]),
        ((9.0, None, 8.5, None, 0.1), [4, 5]),
        ((1.0, 40.0, 0.9), [1, 2, 3]),  # a boot whose clock was a month behind
        ((-900.0, -899.0), [1, 2]),  # the clock is behind now: no date proves an age
        ((-900.0, None, 0.0), [1, 2, 3]),
    ],
)
async def test_age_of_events_rests_on_no_wrong_clock(
    connection: Connection, ages: tuple[float | None, ...], kept: list[int]
) -> None:
    await days_of_events(connection, *ages)
    assert await prune(connection) == len(ages) - len(kept)
    assert [
        row["n"] for row in await connection.fetch("select (data ->> 'n')::int as n from events order by 1")
    ] == kept


@pytest.mark.parametrize(("most", "deleted"), [(1, 3), (3, 1), (4, 0), (100, 0)])
async def test_number_of_events_is_bounded_without_a_clock(connection: Connection, most: int, deleted: int) -> None:
    await days_of_events(connection, None, None, None, None)
    start = FeedCursor((await current_cursor(connection)).epoch, 0, 0)
    assert await prune(connection, most=most) == deleted
    assert await connection.fetchval("select count(*) from events") == 4 - deleted
    assert (await read_page(connection, start, 10)).gap is (deleted > 0)


async def write(database: Database, writer: int, count: int) -> None:
    """Commit ``count`` events one by one, each after a random pause in which other writers commit theirs."""
    connection = await database.connect()
    for n in range(count):
        async with connection.transaction():
            await connection.execute(INSERT, writer * 1000 + n)
            await connection.execute("select pg_sleep(random() * 0.01)")
    await connection.close()


async def follow(
    listener: Listener, connection: Connection, cursor: FeedCursor, seen: list[FeedEvent], until: int
) -> None:
    """Read the feed as every reader does, until ``until`` events were read."""
    while len(seen) < until:
        page = await read_page(connection, cursor, 50)
        seen.extend(page.events)
        cursor = page.cursor
        if not page.events:
            await listener.wait(RECHECK_S if page.more_soon else None)


async def kill_listeners(database: Database) -> None:
    """Terminate the backend of every listener repeatedly."""
    connection = await database.connect()
    try:
        while True:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listener'"
            )
            await connection.execute("select pg_sleep(0.05)")
    finally:
        await connection.close()


def assert_all_once_in_order(seen: list[FeedEvent], writers: int, each: int) -> None:
    read = numbers(tuple(seen))
    assert sorted(read) == sorted(w * 1000 + n for w in range(writers) for n in range(each))
    positions = [(event.cursor.xid, event.cursor.id) for event in seen]
    assert positions == sorted(positions)
    for writer in range(writers):
        own = [n for n in read if n // 1000 == writer]
        assert own == sorted(own)


async def test_many_writers_and_a_killed_listener(database_settings: ServiceSettings) -> None:
    writers, each = 12, 15
    seen: list[FeedEvent] = []
    async with (
        open_database(database_settings, application="test") as database,
        open_database(database_settings, application="listener") as listening,
    ):
        reader = await database.connect()
        cursor = await current_cursor(reader)
        listener = Listener(listening, [listening.channel])
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(listener.run()), tasks.create_task(kill_listeners(database))]
            following = tasks.create_task(follow(listener, reader, cursor, seen, writers * each))
            for writer in range(writers):
                tasks.create_task(write(database, writer, each))
            await following
            await eventually(
                lambda: listener.reconnects > 0, 20
            )  # the writers may finish before the first reconnection
            for task in background:
                task.cancel()
        await reader.close()
    assert_all_once_in_order(seen, writers, each)


async def test_many_writers_and_a_frozen_listener(database_settings: ServiceSettings) -> None:
    """All doorbells of the freeze are lost; the reconnection is enough to read every event."""
    writers, each = 6, 10
    seen: list[FeedEvent] = []
    async with (
        database_proxy(database_settings) as proxy,
        open_database(database_settings, application="test") as database,
        open_database(settings_through(proxy, database_settings), application="listener") as listening,
    ):
        reader = await database.connect()
        cursor = await current_cursor(reader)
        listener = Listener(listening, [listening.channel], poll_s=60)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(listener.run())
            assert await listener.wait(20)
            proxy.freeze()
            await asyncio.gather(*(write(database, writer, each) for writer in range(writers)))
            await eventually(lambda: not listener.connected)
            proxy.thaw()
            await follow(listener, reader, cursor, seen, writers * each)
            running.cancel()
        await reader.close()
    assert_all_once_in_order(seen, writers, each)


@given(st.from_regex(r"[0-9a-f]{8}", fullmatch=True), st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1))
def test_public_ids_survive_a_round_trip(epoch: str, xid: int, number: int) -> None:
    cursor = FeedCursor(epoch, xid, number)
    assert FeedCursor.parse(str(cursor)) == cursor


@given(st.text())
def test_any_other_text_raises_value_error(text: str) -> None:
    try:
        cursor = FeedCursor.parse(text)
    except ValueError:
        return
    assert FeedCursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "abc", "a-1", "a-1-1-1", f"a-{2**64}-1", f"a-1-{2**63}", "a-\uff11-1", "a-1-1\n"])
def test_malformed_event_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an event id"):
        FeedCursor.parse(text)
