"""The wall clock is stepped between readings: shots, ends and sessions follow the monotonic clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock.host import host_boot_id
from edge.common.postgres.database import Database
from tests.edge.lane_rows import LaneRows
from tests.edge.shots.running import assembler, until
from tests.edge.shots.test_service import rows

AGO_S = 60.0


@pytest.fixture
async def lane_of_this_boot(lane: LaneRows) -> LaneRows:
    """The lane, whose session has a monotonic start in this boot of the host."""
    await lane.connection.execute(
        "update sessions set start_mono_ns = $1, start_host_boot_id = $2",
        time.monotonic_ns() - round((datetime.now(UTC) - lane.start).total_seconds() * 1e9),
        host_boot_id(),
    )
    return lane


async def set_clocks(lane: LaneRows, kind: str, stepped_s: float) -> None:
    """Set the monotonic instants of readings of one kind, and put their wall clock off by ``stepped_s``."""
    await lane.connection.execute(
        """
        update readings r set at = r.at + $2, received_at = r.received_at + $2, host_boot_id = s.start_host_boot_id,
            mono_ns = s.start_mono_ns + (extract(epoch from r.at - s.start_time) * 1e9)::bigint
        from sessions s where r.kind = $1
        """,
        kind,
        timedelta(seconds=stepped_s),
    )


@pytest.mark.parametrize("stepped_s", [-2.0, -3600.0, 10800.0])
@pytest.mark.parametrize("first", ["release", "landing"])
@pytest.mark.parametrize("is_opened", [True, False])
async def test_clock_step_between_readings_changes_nothing(
    lane_of_this_boot: LaneRows, database: Database, first: str, stepped_s: float, *, is_opened: bool
) -> None:
    """Neither for an open session nor for one that was closed before the assembler started."""
    if not is_opened:
        await lane_of_this_boot.connection.execute(
            """
            update sessions set is_opened = false, end_time = start_time + interval '40 s',
                closing_time = start_time + interval '40 s', closing_mono_ns = start_mono_ns + 40000000000,
                closing_host_boot_id = start_host_boot_id
            """
        )
    await lane_of_this_boot.shoot(20.0)
    await lane_of_this_boot.land(20.36)
    kinds = ["engage", "release", "landing"]
    for kind in kinds:
        await set_clocks(lane_of_this_boot, kind, stepped_s if kinds.index(kind) >= kinds.index(first) else 0.0)
    async with assembler(database):
        await until(lane_of_this_boot, "exists (select from shots where result = 'hit')")
    (shot,) = await rows(lane_of_this_boot)
    assert (shot["tof_s"], shot["flags"]) == (pytest.approx(0.36, abs=1e-6), [])
    times = [shot[f"arrow_{event}_time"] for event in ("engage", "disengage", "landing")]
    assert times == [lane_of_this_boot.at(18.0), lane_of_this_boot.at(20.0), lane_of_this_boot.at(20.36)]


async def test_now_follows_the_monotonic_clock(lane_of_this_boot: LaneRows, database: Database) -> None:
    """Otherwise a database whose clock is ahead would time out an arrow that is still in the air."""
    await lane_of_this_boot.connection.execute("update sessions set start_time = start_time - interval '3 hours'")
    lane_of_this_boot.start -= timedelta(hours=3)
    await lane_of_this_boot.shoot(AGO_S - 0.5)
    for kind in ("engage", "release"):
        await set_clocks(lane_of_this_boot, kind, 0.0)
    async with assembler(database):
        await until(lane_of_this_boot, "exists (select from shots)")
        await until(lane_of_this_boot, "exists (select from ends)")
        async with lane_of_this_boot.connection.transaction():
            await lane_of_this_boot.land(AGO_S)
            await set_clocks(lane_of_this_boot, "landing", 0.0)
        await until(lane_of_this_boot, "exists (select from shots where result = 'hit')")
    events = await lane_of_this_boot.connection.fetch(
        "select data ->> 'result' as result from events where type like 'shot.%'"
    )
    assert [event["result"] for event in events] == ["pending", "hit"]
