"""The reader of the feed resumes: at once after a dead connection, with a gap in another epoch of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import FeedCursor, current_cursor
from edge.common.postgres.listener import Listener
from edge.push.stream import feed_reader
from edge.push.stream.feed_reader import FeedReader
from edge.push.stream.hub import Hub
from tests.edge.lane_rows import LaneRows
from tests.edge.push.serving import WITHIN_S
from tests.edge.shot_rows import add_shot
from tests.eventually import eventually

NEVER_S = 600.0
"""Poll interval that never elapses here."""
_FEED = "select pid from pg_stat_activity where application_name = 'feed-test' and datname = current_database()"


@asynccontextmanager
async def reading(settings: ServiceSettings, hub: Hub) -> AsyncIterator[FeedReader]:
    """Run a reader whose doorbell uses another connection."""
    async with (
        open_database(settings, application="bell-test") as bells,
        open_database(settings, application="feed-test") as database,
        asyncio.timeout(90),
        asyncio.TaskGroup() as tasks,
    ):
        listener = Listener(bells, [bells.channel], poll_s=NEVER_S)
        reader = FeedReader(database, listener, hub)
        running = [tasks.create_task(listener.run()), tasks.create_task(reader.run())]
        try:
            yield reader
        finally:
            for task in running:
                task.cancel()


async def test_a_dead_connection_is_detected_without_a_doorbell(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    async with reading(database_settings, Hub()) as reader:
        await eventually(lambda: reader.reading, WITHIN_S)
        killed = await connection.fetchval(f"select pg_terminate_backend(pid), pid from ({_FEED}) feed", column=1)
        pids = [killed]
        async with asyncio.timeout(WITHIN_S):
            while not pids or killed in pids:  # between two connections there is none
                await asyncio.sleep(0.02)
                pids = [row["pid"] for row in await connection.fetch(_FEED)]
        assert killed not in pids


async def test_events_lost_after_sending_are_a_gap(
    database_settings: ServiceSettings, lane: LaneRows, connection: Connection
) -> None:
    """The server restarts with an older state of the same epoch, and its transactions have since passed our position."""
    await add_shot(lane)
    present = await current_cursor(connection)
    for _ in range(4):
        await connection.execute("select pg_current_xact_id()")  # a transaction without rows
    hub = Hub()
    hub.begin(FeedCursor(present.epoch, present.xid + 2, present.id + 2))
    async with reading(database_settings, hub) as reader:
        await eventually(lambda: reader.reading, WITHIN_S)
        assert hub.live == present


async def test_a_lost_doorbell_ends_the_connection_once(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its listener may stay away for long, for want of a descriptor: the feed is still read meanwhile."""
    monkeypatch.setattr(feed_reader, "PUBLISH_STATE_S", 0.02)
    hub, checks = Hub(), 0

    def count(*, connected: bool) -> None:  # noqa: ARG001 - only the number of calls counts
        nonlocal checks
        checks += 1

    monkeypatch.setattr(hub, "set_connected", count)
    async with (
        open_database(database_settings, application="feed-test") as database,
        asyncio.timeout(90),
        asyncio.TaskGroup() as tasks,
    ):
        listener = Listener(database, [database.channel], poll_s=NEVER_S)
        reader = FeedReader(database, listener, hub)
        listening = tasks.create_task(listener.run())
        running = [tasks.create_task(reader.run()), tasks.create_task(reader.publish_state())]
        await eventually(lambda: reader.reading and listener.connected, WITHIN_S)
        first = reader._connection
        listening.cancel()
        await eventually(lambda: reader.reading and reader._connection not in (None, first), WITHIN_S)
        second, seen = reader._connection, checks
        await eventually(lambda: checks > seen + 20, WITHIN_S)
        assert reader._connection is second
        for task in running:
            task.cancel()
