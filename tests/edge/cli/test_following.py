"""Whoever waits for a simulated range learns of each verdict, also behind a gap, and which of them never came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from edge.cli.following import Course, Follower
from edge.cli.simulate import instant
from edge.common.connection import Connection
from edge.common.database import open_database
from edge.common.feed import FeedCursor, current_cursor
from edge.common.roles import Role
from edge.common.settings import ServiceSettings
from simulators.hosttime import HostTime
from simulators.world import World
from tests.edge.push.rangefloor import Floor

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


def course_of(shots: int, floor: Floor, since: FeedCursor) -> Course:
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


async def miss(floor: Floor, released: datetime) -> None:
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
    floor = Floor(connection)
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
    floor = Floor(connection)
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
