"""The wall clock is stepped between readings: shots, ends and sessions follow the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from drivers.clock.host import host_boot_id
from edge.common.postgres.database import Database
from tests.edge.shots.lane_rows import StoredLane, assembler, until
from tests.edge.shots.test_service import rows

AGO_S = 60.0


@pytest.fixture
async def lane(database: Database) -> AsyncIterator[StoredLane]:
    """A lane of this host's boot, whose session has a monotonic start."""
    connection = await database.connect()
    built = StoredLane(connection, AGO_S)
    await built.build()
    await connection.execute(
        "update sessions set start_mono_ns = $1, start_host_boot_id = $2",
        time.monotonic_ns() - round(AGO_S * 1e9),
        host_boot_id(),
    )
    yield built
    await connection.close()


async def set_clocks(lane: StoredLane, kind: str, stepped_s: float) -> None:
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
    lane: StoredLane, database: Database, first: str, stepped_s: float, *, is_opened: bool
) -> None:
    """Neither for an open session nor for one that was closed before the assembler started."""
    if not is_opened:
        await lane.connection.execute(
            """
            update sessions set is_opened = false, end_time = start_time + interval '40 s',
                closing_time = start_time + interval '40 s', closing_mono_ns = start_mono_ns + 40000000000,
                closing_host_boot_id = start_host_boot_id
            """
        )
    await lane.shoot(20.0)
    await lane.land(20.36)
    kinds = ["engage", "release", "landing"]
    for kind in kinds:
        await set_clocks(lane, kind, stepped_s if kinds.index(kind) >= kinds.index(first) else 0.0)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'hit')")
    (shot,) = await rows(lane)
    assert (shot["tof_s"], shot["flags"]) == (pytest.approx(0.36, abs=1e-6), [])
    times = [shot[f"arrow_{event}_time"] for event in ("engage", "disengage", "landing")]
    assert times == [lane.at(18.0), lane.at(20.0), lane.at(20.36)]


async def test_now_follows_the_monotonic_clock(lane: StoredLane, database: Database) -> None:
    """Otherwise a database whose clock is ahead would time out an arrow that is still in the air."""
    await lane.connection.execute("update sessions set start_time = start_time - interval '3 hours'")
    lane.zero -= timedelta(hours=3)
    await lane.shoot(AGO_S - 0.5)
    for kind in ("engage", "release"):
        await set_clocks(lane, kind, 0.0)
    async with assembler(database):
        await until(lane, "exists (select from shots)")
        await until(lane, "exists (select from ends)")
        async with lane.connection.transaction():
            await lane.land(AGO_S)
            await set_clocks(lane, "landing", 0.0)
        await until(lane, "exists (select from shots where result = 'hit')")
    events = await lane.connection.fetch("select data ->> 'result' as result from events where type like 'shot.%'")
    assert [event["result"] for event in events] == ["pending", "hit"]
