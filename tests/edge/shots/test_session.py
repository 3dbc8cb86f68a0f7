"""A bow's clock that is far from the target's is found in the last shots and stored with the device."""

from __future__ import annotations

import pytest

from edge.common.postgres.database import Database
from edge.shots import session
from edge.shots.assembly.assemble import assemble
from edge.shots.session import bows_off
from tests.edge.lane_rows import LaneRows
from tests.edge.shots.assembly.lane_readings import OTHER, TWO_BOWS, LaneReadings, covered_until
from tests.edge.shots.running import assembler, until


def undated_shot(lane: LaneReadings, t: float, bow: str = "bow-1") -> LaneReadings:
    """A hit by a bow whose clock is not synchronised."""
    return lane.engage(t - 2.0, bow=bow).release(t, bow, error_s=None).landing(t + 0.4)


def test_two_of_the_last_three_flights_decide() -> None:
    lane, context = LaneReadings(), covered_until(100.0, TWO_BOWS)
    found = []
    for t, is_off in ((5.0, True), (15.0, True), (25.0, None), (35.0, False), (45.0, False)):
        if is_off:
            undated_shot(lane, t)
        else:
            lane.shot(t)
            if is_off is not None:
                lane.landing(t + 0.4)
        lane.tags(t + 5.0)
        found.append(bows_off([assemble(lane.readings, context)], context.bows))
    off = frozenset({"bow-1"})
    assert found == [frozenset(), off, off, off, frozenset()]


def test_each_bow_has_its_own_clock() -> None:
    lane = LaneReadings()
    for t in (5.0, 15.0, 25.0):
        undated_shot(lane, t).shot(t + 3.0, OTHER, "bow-2").landing(t + 3.4, OTHER).tags(t + 5.0)
    context = covered_until(100.0, TWO_BOWS)
    assert bows_off([assemble(lane.readings, context)], context.bows) == {"bow-1"}


async def test_device_is_degraded_until_its_flights_are_timed(
    lane: LaneRows, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "CLOCK_RECHECK_S", 0.5)
    await lane.set_watermarks(50.0)

    async def shoot(t: float, uncertainty_s: float) -> None:
        async with lane.connection.transaction():
            await lane.shoot(t)
            await lane.connection.execute(
                "update readings set uncertainty_s = $1 where kind = 'release' and at = $2", uncertainty_s, lane.at(t)
            )
            await lane.land(t + 0.36)

    is_off = "clock_off from device_status where device_id = 'bow-1'"
    async with assembler(database):
        for t in (5.0, 10.0):
            await shoot(t, 0.1)
        await until(lane, is_off)
        await lane.connection.execute("update device_status set clock_off = false")  # as after a crash of PostgreSQL
        await until(lane, is_off)
        for t in (15.0, 20.0):
            await shoot(t, 0.0005)
        await until(lane, f"not {is_off}")
        for t in (25.0, 30.0):
            await shoot(t, 0.1)
        await until(lane, is_off)
        await lane.connection.execute("update sessions set closing_time = $1", lane.at(40.0))
        await until(lane, f"not {is_off}")
    found = await lane.connection.fetch(
        "select data ->> 'state' as state from events where type = 'device.status' and data ->> 'device_id' = 'bow-1' order by xid, id"
    )
    assert [row["state"] for row in found] == ["ready", *["degraded", "ready"] * 3]
    await lane.connection.close()
