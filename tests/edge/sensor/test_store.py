"""What the daemon writes of a stream's beginning: from when on the device may have missed something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from drivers.contract import DeviceKind, Stamp, StreamStart
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.sensor.queue.disk import SpoolSize
from edge.sensor.status import Status
from edge.sensor.store import UNKNOWN_PAST, Device, SensorStore

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BOOT = uuid4()
DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


def stamp(second: float) -> Stamp:
    return Stamp(T0 + timedelta(seconds=second), int(second * 1e9), BOOT, 0.001)


@pytest.fixture
async def connection(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    async with open_database(database_settings, application="test") as database:
        connected = await database.connect()
        yield connected
        await connected.close()


async def begun(
    connection: Connection,
    stream: UUID,
    at: float,
    blind: float | None,
    previous: UUID | None,
    mark: float | None = None,
) -> datetime:
    """Store a stream's beginning; returns from when on the gap before it is."""
    store = SensorStore(connection, DEVICE, BOOT)
    await store.register()
    start = StreamStart(stream, stamp(at), None if blind is None else stamp(blind), previous, None)
    await store.write([start], None if mark is None else stamp(mark), BOOT)
    since: datetime = await connection.fetchval("select from_at from device_gaps where stream_id = $1", stream)
    return since


async def test_of_a_device_never_heard_of_nothing_is_known(connection: Connection) -> None:
    assert await begun(connection, uuid4(), 100, 90, uuid4()) == UNKNOWN_PAST


async def test_after_a_known_boot_the_device_itself_tells_how_long_it_was_blind(connection: Connection) -> None:
    first, second = uuid4(), uuid4()
    await begun(connection, first, 10, None, None)
    assert await begun(connection, second, 100, 99, first, mark=50) == T0 + timedelta(seconds=99)


async def test_after_several_boots_nobody_heard_of_only_the_watermark_is_sure(connection: Connection) -> None:
    await begun(connection, uuid4(), 10, None, None)
    assert await begun(connection, uuid4(), 100, 99, uuid4(), mark=50) == T0 + timedelta(seconds=50)


async def test_a_restarted_daemon_takes_the_watermark_that_was_stored(connection: Connection) -> None:
    await begun(connection, uuid4(), 10, None, None)
    await SensorStore(connection, DEVICE, BOOT).tell(Status(), stamp(60), 0, {}, SpoolSize())
    assert await begun(connection, uuid4(), 100, 99, uuid4()) == T0 + timedelta(seconds=60)


async def test_the_same_stream_begins_once(connection: Connection) -> None:
    stream = uuid4()
    await begun(connection, stream, 10, None, None)
    await begun(connection, stream, 11, None, None, mark=5)
    assert await connection.fetchval("select count(*) from device_gaps") == 1
