"""The feed's reader finds its place again: after a dead connection at once, in another life of the database with a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import FeedCursor, current_cursor
from edge.common.postgres.listener import Listener
from edge.push.stream.feed_reader import Following
from edge.push.stream.hub import Hub
from tests.edge.push.range_rows import Floor
from tests.edge.push.serving import WITHIN_S
from tests.eventually import eventually

NEVER_S = 600.0
"""No slow poll helps the reader here."""
_FEED = "select pid from pg_stat_activity where application_name = 'feed-test' and datname = current_database()"


@asynccontextmanager
async def following(settings: ServiceSettings, hub: Hub) -> AsyncIterator[Following]:
    """A reader that hears the bell on a connection which is not its own."""
    async with (
        open_database(settings, application="bell-test") as bells,
        open_database(settings, application="feed-test") as database,
        asyncio.timeout(90),
        asyncio.TaskGroup() as tasks,
    ):
        listener = Listener(bells, [bells.channel], poll_s=NEVER_S)
        reader = Following(database, listener, hub)
        running = [tasks.create_task(listener.run()), tasks.create_task(reader.run())]
        try:
            yield reader
        finally:
            for task in running:
                task.cancel()


async def test_a_connection_that_dies_is_noticed_without_a_bell(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    async with following(database_settings, Hub()) as reader:
        await eventually(lambda: reader.reading, WITHIN_S)
        killed = await connection.fetchval(f"select pg_terminate_backend(pid), pid from ({_FEED}) feed", column=1)
        async with asyncio.timeout(WITHIN_S):
            while await connection.fetchval(f"{_FEED} and pid <> $1", killed) is None:
                await asyncio.sleep(0.02)


async def test_events_that_were_told_and_then_lost_are_a_gap(
    database_settings: ServiceSettings, floor: Floor, connection: Connection
) -> None:
    """The server came back with an older state of the same epoch, and its transactions have since gone past our place."""
    await floor.shoot()
    present = await current_cursor(connection)
    for _ in range(4):
        await connection.execute("select pg_current_xact_id()")  # one that leaves nothing
    hub = Hub()
    hub.begin(FeedCursor(present.epoch, present.xid + 2, present.id + 2))
    async with following(database_settings, hub) as reader:
        await eventually(lambda: reader.reading, WITHIN_S)
        assert hub.live == present
