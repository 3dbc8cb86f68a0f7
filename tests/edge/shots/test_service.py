"""The assembler's service on a real database: wake-up, restarts, stand-by, and refused sessions."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from edge.common.postgres.database import Database
from tests.edge.lane_rows import ARROW, LaneRows
from tests.edge.shots.running import assembler, until


async def rows(lane: LaneRows) -> list[asyncpg.Record]:
    return await lane.connection.fetch("select * from shots order by arrow_disengage_time, id")


async def test_readings_become_a_shot_with_its_value(lane: LaneRows, database: Database) -> None:
    async with assembler(database):
        await lane.shoot(58.0)  # two seconds ago: it may still be in the air
        await until(lane, "exists (select from shots where result = 'pending')")
        await lane.land(58.36)
        await until(lane, "exists (select from shots where result = 'hit')")
    (shot,) = await rows(lane)
    assert (shot["points"], shot["is_x"], shot["arrow_id"], shot["revision"]) == (10, True, ARROW, 2)
    assert shot["speed_mps"] == pytest.approx(50.0, rel=0.01)
    events = await lane.connection.fetch(
        "select type, data ->> 'result' as result from events where type like 'shot.%'"
    )
    assert [tuple(event) for event in events] == [("shot.created", "pending"), ("shot.updated", "hit")]


async def test_miss_waits_for_the_watermark_of_the_target(lane: LaneRows, database: Database) -> None:
    await lane.shoot(55.5)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'pending')")
        await lane.set_watermarks(59.0)
        await until(lane, "exists (select from shots where result = 'miss')")
    assert [(shot["result"], shot["points"], shot["revision"]) for shot in await rows(lane)] == [("miss", 0, 2)]


async def test_silent_target_leaves_the_shot_unknown(lane: LaneRows, database: Database) -> None:
    await lane.shoot(30.0)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'unknown')")
        await lane.land(30.4)  # it only arrived late
        await until(lane, "exists (select from shots where result = 'hit' and revision = 2)")
    assert [(shot["result"], shot["points"], shot["revision"]) for shot in await rows(lane)] == [("hit", 10, 2)]


async def test_restart_writes_no_row_again(lane: LaneRows, database: Database) -> None:
    for number in range(5):
        await lane.shoot(10.0 + 5 * number)
        await lane.land(10.4 + 5 * number, 640.0 + 10 * number)
    async with assembler(database):
        await until(lane, "count(*) = 5 from shots where result = 'hit'")
    before = await rows(lane)
    async with assembler(database):
        await lane.shoot(50.0)
        await until(lane, "count(*) = 6 from shots")
    assert (await rows(lane))[:5] == before


async def test_last_computation_sees_the_last_watermark(lane: LaneRows, database: Database) -> None:
    """Also where the target reports just before the stop: its silence had left the shot unknown."""
    await lane.shoot(30.0)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'unknown')")
        await lane.set_watermarks(59.0)
    assert [(shot["result"], shot["points"], shot["revision"]) for shot in await rows(lane)] == [("miss", 0, 2)]


async def test_closed_session_is_computed_before_the_stop(lane: LaneRows, database: Database) -> None:
    await lane.shoot(30.0)
    await lane.connection.execute("update sessions set closing_time = $1", lane.at(31.0))
    async with assembler(database):
        await until(lane, "not is_opened from sessions")
        await lane.set_watermarks(59.0)
    assert [shot["result"] for shot in await rows(lane)] == ["miss"]


async def test_commit_out_of_order_is_found(lane: LaneRows, database: Database) -> None:
    late = await database.connect()
    try:
        async with assembler(database):
            await lane.shoot(20.0)
            async with late.transaction():
                await lane.add_reading(
                    "target-1", "landing", 20.4, on=late, x_mm=640.0, y_mm=640.0
                )  # an older transaction
                await lane.shoot(30.0)
                await until(lane, "count(*) = 2 from shots")
            await until(lane, "exists (select from shots where result = 'hit')")
    finally:
        await late.close()
    assert [shot["arrow_disengage_time"] for shot in await rows(lane)] == [lane.at(20.0), lane.at(30.0)]
    assert (await rows(lane))[0]["result"] == "hit"


async def test_second_assembler_stands_by_and_takes_over(lane: LaneRows, database: Database) -> None:
    async with assembler(database):
        async with assembler(database):
            await lane.shoot(20.0)
            await lane.land(20.4)
            await until(lane, "exists (select from shots where result = 'hit')")
        await lane.shoot(30.0)
        await until(lane, "count(*) = 2 from shots")
    assert [shot["revision"] for shot in await rows(lane)][1] == 1


async def test_lost_connection_is_reopened(lane: LaneRows, database: Database) -> None:
    async with assembler(database):
        await lane.shoot(20.0)
        await until(lane, "count(*) = 1 from shots")
        await lane.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'test' and datname = current_database() and pid <> pg_backend_pid()"
        )
        await lane.land(20.4)
        await until(lane, "exists (select from shots where result = 'hit')")
    assert [(shot["result"], shot["revision"]) for shot in await rows(lane)] == [("hit", 2)]


async def test_closing_session_ends_at_the_watermarks(lane: LaneRows, database: Database) -> None:
    await lane.shoot(50.0)
    async with assembler(database):
        await until(lane, "count(*) = 1 from shots")
        await lane.connection.execute("update sessions set closing_time = $1", lane.at(50.2))
        await lane.land(50.4)  # in the air when it was closed
        await lane.set_watermarks(54.0)
        await until(lane, "exists (select from sessions where not is_opened and end_time = closing_time)")
    (shot,) = await rows(lane)
    assert shot["result"] == "hit"


async def test_refused_session_delays_no_other_lane(lane: LaneRows, database: Database) -> None:
    await lane.connection.execute("alter table shots add constraint broken check (result <> 'hit')")
    await lane.connection.execute("insert into devices (id, kind, driver, lane) values ('bow-2', 'bow', 'bow.link', 2)")
    await lane.connection.execute(
        "insert into sessions (lane, start_time, location) values (2, $1, 'test')", lane.start
    )
    lane.streams["bow-2"], lane.seqs["bow-2"] = uuid4(), 0
    async with assembler(database):
        await lane.shoot(20.0)
        await lane.land(20.4)
        await lane.add_reading("bow-2", "release", 30.0)
        await until(lane, "exists (select from shots where lane = 2)")
        assert not await lane.connection.fetchval("select exists (select from shots where lane = 1)")
        await lane.connection.execute("alter table shots drop constraint broken")
        await until(lane, "exists (select from shots where lane = 1 and result = 'hit')")


async def test_closed_session_takes_the_late_data_of_a_target(lane: LaneRows, database: Database) -> None:
    await lane.shoot(30.0)
    await lane.connection.execute("update sessions set closing_time = $1", lane.at(31.0))
    async with assembler(database):
        await until(lane, "exists (select from sessions where not is_opened)")
    assert [shot["result"] for shot in await rows(lane)] == ["unknown"]
    await lane.set_watermarks(59.0)  # it was only silent, and detected no landing
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'miss' and revision = 2)")


async def test_superseded_shot_that_results_again_is_the_same_row(lane: LaneRows, database: Database) -> None:
    await lane.land(20.4)  # the bow is silent: a shot of its own
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'hit' and time_source = 'target')")
        await lane.set_watermarks(59.0)  # the bow was working after all, and detected no release
        await until(lane, "exists (select from shots where 'superseded' = any(flags))")
        await lane.connection.execute(
            """
            insert into device_gaps (device_id, stream_id, since, until, reason) values ('bow-1', $1, $2, $3, 'test')
            """,
            lane.streams["bow-1"],
            lane.at(19.0),
            lane.at(21.0),
        )
        await until(lane, "exists (select from shots where result = 'hit' and void_reason is null and revision = 3)")
    assert len(await rows(lane)) == 1


async def test_events_past_their_retention_are_deleted(lane: LaneRows, database: Database) -> None:
    await lane.connection.execute("update events set at = at - interval '8 days'")
    old = await lane.connection.fetchval("select count(*) from events")
    assert old > 0
    async with assembler(database):
        await until(lane, "not exists (select from events where at < clock_timestamp() - interval '7 days')")
    assert await lane.connection.fetchval("select pruned_id from installation") > 0
