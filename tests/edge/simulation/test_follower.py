"""The follower of a simulated range learns every verdict, also after a gap in the feed, and names the missing ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from drivers.clock.host import host_boot_id
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from edge.common.postgres.feed import FeedCursor, current_cursor
from edge.common.postgres.roles import Role
from edge.simulation.follower import FollowedRange, RangeFollower
from edge.simulation.teardown import common_watermark_us
from simulators.hosttime import HostTime
from simulators.world.instants import to_datetime
from simulators.world.range import World
from tests.edge.lane_rows import LaneRows, SessionSetup
from tests.edge.shot_rows import add_shot
from tests.eventually import eventually

WITHIN_S = 30.0
START_US = 1_790_000_000_000_000
LONG_AGO_NS = 3600 * 1_000_000_000


@pytest.fixture
def session_setup() -> SessionSetup:
    return SessionSetup(to_datetime(START_US))


def range_of(shots: int, lane: LaneRows, since: FeedCursor) -> FollowedRange:
    """A range of this many releases on lane 1, an hour ago."""
    limit_us = World(1, START_US, 20).nth_release(shots + 1).released_us
    world = World(1, START_US, 20, release_limit_us=limit_us)
    host = HostTime(START_US, time.monotonic_ns() - LONG_AGO_NS)
    return FollowedRange(
        world, host, lanes=1, sessions=frozenset({lane.session_id}), opened=to_datetime(START_US), since=since
    )


@asynccontextmanager
async def followed(settings: ServiceSettings, simulated: FollowedRange) -> AsyncIterator[RangeFollower]:
    async with (
        open_database(settings, application="follower") as database,
        asyncio.timeout(90),
        asyncio.TaskGroup() as tasks,
    ):
        follower = RangeFollower(database.acting_as(Role.OPERATOR), simulated, as_json=True)
        running = tasks.create_task(follower.run())
        try:
            yield follower
        finally:
            running.cancel()


async def miss(lane: LaneRows, released: datetime) -> None:
    """Insert a shot that only the bow sensed."""
    shot = await add_shot(lane, None, None, 0, result="miss")
    await lane.connection.execute(
        "update shots set arrow_engage_time = null, arrow_disengage_time = $2, revision = 2 where id = $1",
        shot,
        released,
    )


async def test_shots_behind_a_feed_gap_are_read_from_the_table(
    database_settings: ServiceSettings, lane: LaneRows
) -> None:
    simulated = range_of(3, lane, FeedCursor("deadbeef", 5, 1))  # of the database before it was restored
    for release in simulated.world.releases(1, START_US, START_US + 10**9):
        await miss(lane, to_datetime(release.released_us))
    async with followed(database_settings, simulated) as follower:
        await follower.all_decided(WITHIN_S)
        assert follower.undecided() == []


async def date_later(lane: LaneRows, by: timedelta) -> None:
    """Date the session and its shots anew, as when the host's clock is set."""
    await lane.connection.execute("update sessions set start_time = start_time + $1", by)
    await lane.connection.execute("update shots set arrow_disengage_time = arrow_disengage_time + $1", by)


async def test_shots_of_a_clock_behind_are_found_by_their_dates(
    database_settings: ServiceSettings, lane: LaneRows
) -> None:
    simulated = range_of(3, lane, await current_cursor(lane.connection))
    later = timedelta(hours=9, microseconds=1234)
    await date_later(lane, later)
    *first, last = simulated.world.releases(1, START_US, START_US + 10**9)
    for release in first:
        await miss(lane, to_datetime(release.released_us) + later)
    async with followed(database_settings, simulated) as follower:
        await eventually(lambda: follower.undecided() == [last])
        set_to = timedelta(days=54 * 365)
        await date_later(lane, set_to)
        await miss(lane, to_datetime(last.released_us) + later + set_to)
        await follower.all_decided(WITHIN_S)
        assert follower.undecided() == []


async def test_a_restored_database_without_the_session_ends_no_range(
    database_settings: ServiceSettings, lane: LaneRows
) -> None:
    simulated = range_of(1, lane, await current_cursor(lane.connection))
    other = replace(simulated, sessions=frozenset({uuid4()}))
    async with open_database(database_settings, application="follower") as database:
        follower = RangeFollower(database.acting_as(Role.OPERATOR), other, as_json=True)
        undecided = follower.undecided()
        await miss(lane, to_datetime(undecided[0].released_us))  # a shot of another session
        await follower.read_rest()
        assert follower.undecided() == undecided


async def test_events_of_the_last_computation_are_read(database_settings: ServiceSettings, lane: LaneRows) -> None:
    simulated = range_of(1, lane, await current_cursor(lane.connection))
    async with open_database(database_settings, application="follower") as database:
        follower = RangeFollower(database.acting_as(Role.OPERATOR), simulated, as_json=True)
        (release,) = follower.undecided()
        await miss(lane, to_datetime(release.released_us))
        await follower.read_rest()
        assert follower.undecided() == []


async def test_wait_times_out_and_names_undecided_releases(database_settings: ServiceSettings, lane: LaneRows) -> None:
    simulated = range_of(2, lane, await current_cursor(lane.connection))
    decided, undecided = simulated.world.releases(1, START_US, START_US + 10**9)
    await miss(lane, to_datetime(decided.released_us))
    async with followed(database_settings, simulated) as follower:
        async with asyncio.timeout(WITHIN_S):
            while len(follower.undecided()) > 1:
                await follower.all_decided(0.05)
        await follower.all_decided(0.05)
        assert follower.undecided() == [undecided]


async def test_miss_is_final_when_every_watermark_covers_it(database_settings: ServiceSettings, lane: LaneRows) -> None:
    """While the bow's events are late, the landing of an arrow nocked again is assigned to its let-down."""
    shots = next(r.shot for r in World(1, START_US, 20).releases(1, START_US, START_US + 10**9) if r.landed_us is None)
    simulated = range_of(shots + 1, lane, await current_cursor(lane.connection))
    *_, landed, without, last = simulated.world.releases(1, START_US, START_US + 10**9)
    for release in simulated.world.releases(1, START_US, START_US + 10**9):
        await miss(lane, to_datetime(release.released_us))
    async with followed(database_settings, simulated) as follower:
        await follower.all_decided(WITHIN_S)
        assert landed.landed_us is not None
        assert follower.decided_until(without.settled_us - 1) == without.released_us
        assert last.landed_us is not None
        assert follower.decided_until(without.settled_us) > last.released_us, "a landing is final without watermarks"


async def test_common_watermark_is_the_lowest_one(database_settings: ServiceSettings, lane: LaneRows) -> None:
    host, found = HostTime.anchor(), []
    async with open_database(database_settings, application="test") as database:
        for device, behind_us in ((lane.bow, 3_000_000), ("target-1", 1_000_000)):
            found.append(await common_watermark_us(database.acting_as(Role.OPERATOR), {lane.session_id: 1}, host))
            await lane.connection.execute(
                "update device_status set watermark = now(), watermark_mono_ns = $2, watermark_host_boot_id = $3 where device_id = $1",
                device,
                host.mono_ns - behind_us * 1000,
                host_boot_id(),
            )
        found.append(await common_watermark_us(database.acting_as(Role.OPERATOR), {lane.session_id: 1}, host))
    assert found == [None, None, host.utc_us - 3_000_000], "unknown while a device has no watermark"


async def test_arrow_taken_off_the_string_decides_its_let_down(
    database_settings: ServiceSettings, lane: LaneRows
) -> None:
    let_down = next(
        r.shot for r in World(1, START_US, 20).releases(1, START_US, START_US + 10**9) if r.result == "not_shot"
    )
    simulated = range_of(let_down, lane, await current_cursor(lane.connection))
    *shots, removed = simulated.world.releases(1, START_US, START_US + 10**9)
    for release in shots:
        await miss(lane, to_datetime(release.released_us))
    async with followed(database_settings, simulated) as follower:
        await eventually(lambda: follower.undecided() == [removed])
        await lane.add_reading(lane.bow, "release", (removed.released_us - START_US) / 1e6, cause="removed")
        mono_ns = simulated.host.mono_ns + (removed.released_us - simulated.host.utc_us) * 1000
        await lane.connection.execute("update readings set host_boot_id = $1, mono_ns = $2", host_boot_id(), mono_ns)
        await lane.connection.execute(
            "update sessions set start_host_boot_id = $1, start_mono_ns = $2", host_boot_id(), simulated.host.mono_ns
        )
        await follower.all_decided(WITHIN_S)
        assert follower.undecided() == []
