"""Whoever waits for a simulated range learns of each verdict, also behind a gap, and which of them never came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from drivers.clock.host import host_boot_id
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import FeedCursor, current_cursor
from edge.common.postgres.roles import Role
from edge.simulation.follower import Course, Follower
from edge.simulation.simulate import instant
from edge.simulation.teardown import told_until
from simulators.hosttime import HostTime
from simulators.world.range import World
from tests.edge.push.range_rows import LaneRows

WITHIN_S = 30.0
START_US = 1_790_000_000_000_000
LONG_AGO_NS = 3600 * 1_000_000_000


@pytest.fixture
async def connection(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    async with open_database(database_settings, application="test") as database:
        made = await database.connect()
        try:
            yield made
        finally:
            made.terminate()


def course_of(shots: int, floor: LaneRows, since: FeedCursor) -> Course:
    """So many releases of lane 1, an hour ago."""
    limit_us = World(1, START_US, 20).nth_release(shots + 1).released_us
    world = World(1, START_US, 20, release_limit_us=limit_us)
    host = HostTime(START_US, time.monotonic_ns() - LONG_AGO_NS)
    return Course(world, host, lanes=1, sessions=frozenset({floor.session_id}), since=since)


@asynccontextmanager
async def followed(settings: ServiceSettings, course: Course) -> AsyncIterator[Follower]:
    async with (
        open_database(settings, application="follower") as database,
        asyncio.timeout(90),
        asyncio.TaskGroup() as tasks,
    ):
        follower = Follower(database.acting_as(Role.OPERATOR), course, as_json=True)
        running = tasks.create_task(follower.run())
        try:
            yield follower
        finally:
            running.cancel()


async def miss(floor: LaneRows, released: datetime) -> None:
    """A shot of the range, seen by the bow alone."""
    shot = await floor.shoot(None, None, 0, result="miss")
    await floor.connection.execute(
        "update shots set arrow_engage_time = null, arrow_disengage_time = $2, revision = 2 where id = $1",
        shot,
        released,
    )


async def test_what_a_gap_of_the_feed_hides_is_read_from_the_table(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    floor = LaneRows(connection)
    await floor.add_devices()
    await floor.open_session()
    course = course_of(3, floor, FeedCursor("deadbeef", 5, 1))  # since then the database was restored
    for release in course.world.releases(1, START_US, START_US + 10**9):
        await miss(floor, instant(release.released_us))
    async with followed(database_settings, course) as follower:
        await follower.all_decided(WITHIN_S)
        assert follower.undecided() == []


async def test_the_wait_has_an_end_and_names_what_was_not_decided(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    floor = LaneRows(connection)
    await floor.add_devices()
    await floor.open_session()
    course = course_of(2, floor, await current_cursor(connection))
    decided, undecided = course.world.releases(1, START_US, START_US + 10**9)
    await miss(floor, instant(decided.released_us))
    async with followed(database_settings, course) as follower:
        async with asyncio.timeout(WITHIN_S):
            while len(follower.undecided()) > 1:
                await follower.all_decided(0.05)
        await follower.all_decided(0.05)
        assert follower.undecided() == [undecided]


async def test_that_nothing_landed_is_sure_once_every_device_has_told(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    """The landing of an arrow that was nocked again is given to its let-down as long as the bow's line is behind."""
    floor = LaneRows(connection)
    await floor.add_devices()
    await floor.open_session()
    shots = next(r.shot for r in World(1, START_US, 20).releases(1, START_US, START_US + 10**9) if r.landed_us is None)
    course = course_of(shots + 1, floor, await current_cursor(connection))
    *_, landed, without, last = course.world.releases(1, START_US, START_US + 10**9)
    for release in course.world.releases(1, START_US, START_US + 10**9):
        await miss(floor, instant(release.released_us))
    async with followed(database_settings, course) as follower:
        await follower.all_decided(WITHIN_S)
        assert landed.landed_us is not None
        assert follower.settled_until(without.settled_us - 1) == without.released_us
        assert last.landed_us is not None
        assert follower.settled_until(without.settled_us) > last.released_us, "what landed needs nobody's word"


async def test_all_is_told_up_to_the_device_that_is_furthest_behind(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    floor = LaneRows(connection)
    await floor.add_devices()
    await floor.open_session()
    host, told = HostTime.anchor(), []
    async with open_database(database_settings, application="test") as database:
        for device, behind_us in ((floor.bow, 3_000_000), ("target-1", 1_000_000)):
            told.append(await told_until(database.acting_as(Role.OPERATOR), {floor.session_id: 1}, host))
            await connection.execute(
                "update device_status set watermark = now(), watermark_mono_ns = $2, watermark_host_boot_id = $3 where device_id = $1",
                device,
                host.mono_ns - behind_us * 1000,
                host_boot_id(),
            )
        told.append(await told_until(database.acting_as(Role.OPERATOR), {floor.session_id: 1}, host))
    assert told == [None, None, host.utc_us - 3_000_000], "of a device that has told nothing nobody can say"
