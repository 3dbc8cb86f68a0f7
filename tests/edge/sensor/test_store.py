"""Rows of readings, and the gap that a stream's start leaves: the interval in which the device may have missed events."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from drivers.contract import DeviceKind, Reading, ReadingKind, ReleaseCause, SensorOrigin, Stamp, StreamStart
from edge.common.postgres.connection import Connection
from edge.sensor.gap_rows import UNKNOWN_PAST
from edge.sensor.queue.spooled import SpoolSize
from edge.sensor.status import Status
from edge.sensor.store import Device, SensorStore
from tests.edge.sensor.reports import reading

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BOOT = uuid4()
DEVICE = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)


def stamp(second: float) -> Stamp:
    return Stamp(T0 + timedelta(seconds=second), int(second * 1e9), BOOT, 0.001)


async def gap_start(
    connection: Connection,
    stream: UUID,
    at: float,
    blind: float | None,
    previous: UUID | None,
    mark: float | None = None,
) -> datetime:
    """Store a stream's start; returns the start of the gap before it."""
    store = SensorStore(connection, DEVICE)
    await store.register()
    start = StreamStart(stream, stamp(at), None if blind is None else stamp(blind), previous, None)
    await store.write([start], None if mark is None else stamp(mark))
    since: datetime = await connection.fetchval("select since from device_gaps where stream_id = $1", stream)
    return since


async def test_registration_writes_the_dead_time_of_the_driver(connection: Connection) -> None:
    for dead_time_s in (0.2, 0.5):
        await SensorStore(connection, replace(DEVICE, dead_time_s=dead_time_s)).register()
        assert await connection.fetchval("select dead_time_s from devices") == dead_time_s


async def test_unknown_device_leaves_a_gap_without_a_start(connection: Connection) -> None:
    assert await gap_start(connection, uuid4(), 100, 90, uuid4()) == UNKNOWN_PAST


async def test_gap_after_a_known_boot_is_the_blind_interval(connection: Connection) -> None:
    first, second = uuid4(), uuid4()
    await gap_start(connection, first, 10, None, None)
    assert await gap_start(connection, second, 100, 99, first, mark=50) == T0 + timedelta(seconds=99)


async def test_a_gap_has_the_reason_that_the_driver_states(connection: Connection) -> None:
    """A device whose driver states one did not restart."""
    store, stream, boot = SensorStore(connection, DEVICE), uuid4(), uuid4()
    await store.register()
    await store.write([StreamStart(stream, stamp(100), stamp(99), reason="an impact was not located")], None)
    await store.write([StreamStart(boot, stamp(200), stamp(199))], None)
    stored = await connection.fetch("select reason, begins_stream from device_gaps order by until")
    assert [tuple(gap) for gap in stored] == [("an impact was not located", False), ("the device was rebooting", True)]


async def test_gap_after_unseen_boots_starts_at_the_watermark(connection: Connection) -> None:
    await gap_start(connection, uuid4(), 10, None, None)
    assert await gap_start(connection, uuid4(), 100, 99, uuid4(), mark=50) == T0 + timedelta(seconds=50)


async def test_restarted_daemon_uses_the_stored_watermark(connection: Connection) -> None:
    await gap_start(connection, uuid4(), 10, None, None)
    await SensorStore(connection, DEVICE).write_status(Status(), stamp(60), 0, {}, SpoolSize())
    assert await gap_start(connection, uuid4(), 100, 99, uuid4()) == T0 + timedelta(seconds=60)


async def test_both_ends_of_a_gap_keep_their_host_boot(connection: Connection) -> None:
    """An earlier daemon may have spooled it before the host was restarted."""
    store, stream, earlier = SensorStore(connection, DEVICE), uuid4(), uuid4()
    await store.register()
    start = StreamStart(stream, replace(stamp(100), host_boot_id=earlier), None)
    await store.write([start], stamp(50))
    gap = await connection.fetchrow("select * from device_gaps where stream_id = $1", stream)
    assert gap is not None
    assert (gap["until_mono_ns"], gap["until_host_boot_id"]) == (start.stamp.mono_ns, earlier)
    assert (gap["since_mono_ns"], gap["since_host_boot_id"]) == (stamp(50).mono_ns, BOOT)


async def test_repeated_start_leaves_one_gap(connection: Connection) -> None:
    stream = uuid4()
    await gap_start(connection, stream, 10, None, None)
    await gap_start(connection, stream, 11, None, None, mark=5)
    assert await connection.fetchval("select count(*) from device_gaps") == 1


async def test_registering_records_the_origin_of_positions(connection: Connection) -> None:
    target = Device("target-1", DeviceKind.TARGET, "target.link", 1, 1.0)
    origins = []
    for origin in (SensorOrigin.LOWER_LEFT, SensorOrigin.CENTRE):
        await SensorStore(connection, replace(target, origin=origin)).register()
        origins.append(await connection.fetchval("select sensor_origin from devices where id = 'target-1'"))
    assert origins == ["lower_left", "centre"]


async def test_every_value_of_a_reading_is_stored(connection: Connection) -> None:
    store = SensorStore(connection, DEVICE)
    await store.register()
    given = replace(
        reading(1, reason="damp", rssi_dbm=-60), kind=ReadingKind.RELEASE, tag="e2", tags=("e2", "e3"), x_mm=1.5, y_mm=2.5,
        cause=ReleaseCause.REMOVED, launch_mps=57.25, quality=80,
    )  # fmt: skip
    await store.write([given], None)
    row = await connection.fetchrow("select * from readings")
    assert row is not None
    names = [field.name for field in fields(Reading) if field.name != "stamp"]
    assert {name: row[name] for name in names} == {name: getattr(given, name) for name in names} | {
        "tags": ["e2", "e3"]
    }
    assert (row["at"], row["mono_ns"], row["uncertainty_s"]) == (given.stamp.at, given.stamp.mono_ns, 0.001)
