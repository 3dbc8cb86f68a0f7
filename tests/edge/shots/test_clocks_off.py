"""A bow's clock that is far from the target's: found in the last shots, told as the device's state."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.shots.clocks_off import bows_off
from tests.edge.shots.assembly.lane_readings import OTHER, TWO_BOWS, Line, shots, told_until
from tests.edge.shots.lane_rows import LaneFloor
from tests.edge.shots.test_service import assembler, until


def undated(line: Line, t: float, bow: str = "bow-1") -> Line:
    """A hit by a bow whose clock is not synchronised."""
    return line.engage(t - 2.0, bow=bow).add(bow, "release", t, error_s=None).landing(t + 0.4)


def test_two_of_the_last_three_flights_tell_and_misses_tell_nothing() -> None:
    line, context = Line(), told_until(100.0, TWO_BOWS)
    told = []
    for t, is_off in ((5.0, True), (15.0, True), (25.0, None), (35.0, False), (45.0, False)):
        if is_off:
            undated(line, t)
        else:
            line.shot(t)
            if is_off is not None:
                line.landing(t + 0.4)
        line.tags(t + 5.0)
        told.append(bows_off(shots(line, context)))
    off = frozenset({"bow-1"})
    assert told == [frozenset(), off, off, off, frozenset()]


def test_each_bow_has_its_own_clock() -> None:
    line = Line()
    for t in (5.0, 15.0, 25.0):
        undated(line, t).shot(t + 3.0, OTHER, "bow-2").landing(t + 3.4, OTHER).tags(t + 5.0)
    assert bows_off(shots(line, told_until(100.0, TWO_BOWS))) == {"bow-1"}


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    async with open_database(database_settings, application="test-shots") as opened:
        yield opened


async def test_the_device_is_degraded_until_its_flights_are_timed_again_or_the_session_is_over(
    database: Database,
) -> None:
    floor = LaneFloor(await database.connect())
    await floor.build()
    await floor.told_until(50.0)

    async def shoot(t: float, uncertainty_s: float) -> None:
        async with floor.connection.transaction():
            await floor.shoot(t)
            await floor.connection.execute(
                "update readings set uncertainty_s = $1 where kind = 'release' and at = $2", uncertainty_s, floor.at(t)
            )
            await floor.land(t + 0.36)

    is_off = "clock_off from device_status where device_id = 'bow-1'"
    async with assembler(database):
        for t in (5.0, 10.0):
            await shoot(t, 0.1)
        await until(floor, is_off)
        await floor.connection.execute("update device_status set clock_off = false")  # PostgreSQL was killed
        await until(floor, is_off)
        for t in (15.0, 20.0):
            await shoot(t, 0.0005)
        await until(floor, f"not {is_off}")
        for t in (25.0, 30.0):
            await shoot(t, 0.1)
        await until(floor, is_off)
        await floor.connection.execute("update sessions set closing_time = $1", floor.at(40.0))
        await until(floor, f"not {is_off}")
    told = await floor.connection.fetch(
        "select data ->> 'state' as state from events where type = 'device.status' and data ->> 'device_id' = 'bow-1' order by xid, id"
    )
    assert [row["state"] for row in told] == ["ready", *["degraded", "ready"] * 3]
    await floor.connection.close()
