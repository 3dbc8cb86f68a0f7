"""A database whose rows came from a server with higher transaction ids begins a new epoch by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database, wait_until_ready
from edge.common.postgres.epoch import heal_foreign_xids
from edge.common.postgres.feed import current_cursor, prune, read_page
from edge.common.postgres.roles import Role
from edge.operator.database import database_status
from edge.push.stream.hub import Hub
from edge.shots.store.updates import read_updates
from tests.edge.lane_rows import LaneRows
from tests.edge.push.stream.test_feed_reader import reading as reading_feed
from tests.eventually import eventually

AHEAD = 50_000
"""Number of transactions by which the other server was ahead."""
UNPROCESSED = "select seq from readings where xid >= (select min(before_xid) from assembly_progress) order by seq"
EPOCH = "select epoch from installation"
READING = """
insert into readings (device_id, stream_id, seq, kind, at, host_boot_id, received_at, source)
values ('bow-1', $1, $2, 'release', now(), gen_random_uuid(), now(), 'simulator')
"""


async def load_from_another_server(connection: Connection) -> None:
    """Give the rows the ids that a dump of an older server brings: readings 1 and 2 are assembled, 3 is not."""
    stream = uuid4()
    for seq in (1, 2, 3):
        await connection.execute(READING, stream, seq)
    await connection.execute("update events set at = now() - interval '9 d'")
    ahead = await connection.fetchval(
        "select (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + $1)::text", AHEAD
    )
    await connection.execute("update readings set xid = ($1::text::bigint + seq)::text::xid8", ahead)
    for table in ("events", "session_changes", "arrows"):
        await connection.execute(f"update {table} set xid = $1::text::xid8", ahead)
    await connection.execute("update assembly_progress set before_xid = ($1::text::bigint + 3)::text::xid8", ahead)
    await connection.execute("update installation set pruned_xid = $1::text::xid8, pruned_id = 1", ahead)


@pytest.fixture
async def loaded(lane: LaneRows) -> LaneRows:
    """A lane in a database that was loaded from another server."""
    await load_from_another_server(lane.connection)
    return lane


async def test_first_of_several_services_begins_a_new_epoch(
    loaded: LaneRows, database_settings: ServiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    connection = loaded.connection
    before = await connection.fetchval(EPOCH)
    async with open_database(database_settings, application="test") as database, asyncio.timeout(60):
        await wait_until_ready(database.acting_as(Role.SENSOR))
        assert await connection.fetchval(EPOCH) == before, "a sensor reads no feed and may not change it"
        await asyncio.gather(
            *(wait_until_ready(database.acting_as(role)) for role in (Role.SHOTS, Role.PUSH, Role.OPERATOR) * 2)
        )
    assert await connection.fetchval(EPOCH) != before
    assert len([message for message in caplog.messages if "a new epoch begins" in message]) == 1
    assert not await connection.fetchval("select has_foreign_xids()")
    assert not await heal_foreign_xids(connection)


async def test_feed_continues_after_rows_of_another_server(
    loaded: LaneRows, database_settings: ServiceSettings
) -> None:
    connection, hub = loaded.connection, Hub()
    async with reading_feed(database_settings, hub) as reader:
        await eventually(lambda: reader.reading)
        first = hub.counters.events
        await connection.execute("insert into events (type, data) values ('session.opened', '{}')")
        await eventually(lambda: hub.counters.events == first + 1)
        assert hub.counters.gaps == 0
        assert reader.held_back is None


async def test_running_reader_heals_rows_that_are_loaded_later(
    lane: LaneRows, database_settings: ServiceSettings
) -> None:
    connection, hub = lane.connection, Hub()
    async with reading_feed(database_settings, hub) as reader:
        await eventually(lambda: reader.reading)
        await load_from_another_server(connection)
        async with asyncio.timeout(30):
            while await connection.fetchval("select has_foreign_xids()"):
                await connection.execute("notify archy")
                await asyncio.sleep(0.05)
        await eventually(lambda: hub.live is not None and reader.held_back is None)
        assert not await connection.fetchval("select has_foreign_xids()")
        read = hub.counters.events
        async with asyncio.timeout(30):
            while hub.counters.events == read:  # one before the reader is at the new epoch is a part of its gap
                await connection.execute("insert into events (type, data) values ('session.opened', '{}')")
                await asyncio.sleep(0.05)


async def test_assembler_reads_what_was_not_assembled(loaded: LaneRows) -> None:
    connection = loaded.connection
    await connection.execute(READING, uuid4(), 4)  # stored by this server, before the first service noticed
    assert await heal_foreign_xids(connection)
    assert [row["seq"] for row in await connection.fetch(UNPROCESSED)] == [3, 4]
    position = await connection.fetchval("select min(before_xid)::text::bigint from assembly_progress")
    found = await read_updates(connection, position, [])
    assert sorted(reading.seq for reading in found.readings) == [3, 4]
    await connection.execute(READING, uuid4(), 5)
    later = await read_updates(connection, found.xmin, [])
    assert [reading.seq for reading in later.readings] == [5], "and history not again at each step"


async def test_old_events_of_another_server_are_pruned(loaded: LaneRows) -> None:
    connection = loaded.connection
    cursor = await current_cursor(connection)
    await connection.execute("insert into events (type, data) values ('session.closed', '{}')")
    assert await prune(connection, timedelta(days=7)) == 0, "the old ones count as later than the new one"
    assert await heal_foreign_xids(connection)
    assert (await read_page(connection, cursor, 10)).gap, "the epoch is another one"
    assert await prune(connection, timedelta(days=7)) > 0
    assert [row["type"] for row in await connection.fetch("select type from events")] == ["session.closed"]


async def test_status_command_heals_and_says_so(loaded: LaneRows, database_settings: ServiceSettings) -> None:
    before = await loaded.connection.fetchval(EPOCH)
    for expected in (True, False):
        status = await database_status(loaded.connection, database_settings.database)
        assert any("came from another server" in warning for warning in status.warnings) is expected
    assert await loaded.connection.fetchval(EPOCH) != before


async def test_own_rows_never_begin_a_new_epoch(lane: LaneRows) -> None:
    before = await lane.connection.fetchval(EPOCH)
    for seq in range(1, 20):
        await lane.connection.execute(READING, uuid4(), seq)
        assert not await heal_foreign_xids(lane.connection)
    assert await lane.connection.fetchval(EPOCH) == before


async def test_every_stored_transaction_id_has_a_decision(connection: Connection) -> None:
    """A new column of this type needs a place in epoch.sql."""
    rows = await connection.fetch(
        "select table_name::text || '.' || column_name::text as name from information_schema.columns"
        " where table_schema = 'public' and data_type = 'xid8'"
    )
    renewed = {"events.xid", "readings.xid", "session_changes.xid", "arrows.xid", "assembly_progress.before_xid"}
    assert {row["name"] for row in rows} == renewed | {"installation.pruned_xid", "device_gaps.xid", "end_marks.xid"}
