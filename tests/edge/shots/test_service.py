"""The assembler on a real database: woken by readings, right after any restart, alone at its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.shots.service import run_shots
from tests.edge.shots.lane_rows import ARROW, LaneFloor


@asynccontextmanager
async def assembler(database: Database) -> AsyncIterator[None]:
    """The service, stopped and waited for at the end."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_shots(database.acting_as(Role.SHOTS), stop))
        try:
            yield
        finally:
            stop.set()


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    async with open_database(database_settings, application="test-shots") as opened:
        yield opened


@pytest.fixture
async def floor(database: Database) -> AsyncIterator[LaneFloor]:
    connection = await database.connect()
    built = LaneFloor(connection)
    await built.build()
    yield built
    await connection.close()


async def rows(floor: LaneFloor) -> list[asyncpg.Record]:
    return await floor.connection.fetch("select * from shots order by arrow_disengage_time, id")


async def until(floor: LaneFloor, condition: str, within_s: float = 30.0) -> None:
    """Wait until a condition of SQL holds, with a deadline."""
    async with asyncio.timeout(within_s):
        while not await floor.connection.fetchval(f"select {condition}"):
            await asyncio.sleep(0.01)


async def test_readings_become_a_shot_with_its_value(floor: LaneFloor, database: Database) -> None:
    async with assembler(database):
        await floor.shoot(58.0)  # two seconds ago: it may still be in the air
        await until(floor, "exists (select from shots where result = 'pending')")
        await floor.land(58.36)
        await until(floor, "exists (select from shots where result = 'hit')")
    (shot,) = await rows(floor)
    assert (shot["points"], shot["is_x"], shot["arrow_id"], shot["revision"]) == (10, True, ARROW, 2)
    assert shot["speed_mps"] == pytest.approx(50.0, rel=0.01)
    told = await floor.connection.fetch("select type, data ->> 'result' as result from events where type like 'shot.%'")
    assert [tuple(event) for event in told] == [("shot.created", "pending"), ("shot.updated", "hit")]


async def test_a_miss_waits_for_the_target_to_have_told(floor: LaneFloor, database: Database) -> None:
    await floor.shoot(55.5)
    async with assembler(database):
        await until(floor, "exists (select from shots where result = 'pending')")
        await floor.told_until(59.0)
        await until(floor, "exists (select from shots where result = 'miss')")


async def test_with_a_silent_target_nobody_can_say(floor: LaneFloor, database: Database) -> None:
    await floor.shoot(30.0)
    async with assembler(database):
        await until(floor, "exists (select from shots where result = 'unknown')")
        await floor.land(30.4)  # it was only late
        await until(floor, "exists (select from shots where result = 'hit' and revision = 2)")


async def test_after_a_restart_the_rows_are_the_same_and_none_is_written(floor: LaneFloor, database: Database) -> None:
    for number in range(5):
        await floor.shoot(10.0 + 5 * number)
        await floor.land(10.4 + 5 * number, 640.0 + 10 * number)
    async with assembler(database):
        await until(floor, "count(*) = 5 from shots where result = 'hit'")
    before = await rows(floor)
    async with assembler(database):
        await floor.shoot(50.0)
        await until(floor, "count(*) = 6 from shots")
    assert (await rows(floor))[:5] == before


async def test_a_commit_that_comes_out_of_order_is_not_overlooked(floor: LaneFloor, database: Database) -> None:
    late = await database.connect()
    try:
        async with assembler(database):
            await floor.shoot(20.0)
            async with late.transaction():
                await floor.sense("target-1", "landing", 20.4, on=late, x_mm=640.0, y_mm=640.0)  # an older transaction
                await floor.shoot(30.0)
                await until(floor, "count(*) = 2 from shots")
            await until(floor, "exists (select from shots where result = 'hit')")
    finally:
        await late.close()


async def test_a_second_assembler_stands_by_and_takes_over(floor: LaneFloor, database: Database) -> None:
    async with assembler(database):
        async with assembler(database):
            await floor.shoot(20.0)
            await floor.land(20.4)
            await until(floor, "exists (select from shots where result = 'hit')")
        await floor.shoot(30.0)
        await until(floor, "count(*) = 2 from shots")
    assert [shot["revision"] for shot in await rows(floor)][1] == 1


async def test_a_lost_connection_is_made_again(floor: LaneFloor, database: Database) -> None:
    async with assembler(database):
        await floor.shoot(20.0)
        await until(floor, "count(*) = 1 from shots")
        await floor.connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'test-shots' and datname = current_database() and pid <> pg_backend_pid()"
        )
        await floor.land(20.4)
        await until(floor, "exists (select from shots where result = 'hit')")


async def test_a_closing_session_ends_when_everything_before_it_is_told(floor: LaneFloor, database: Database) -> None:
    await floor.shoot(50.0)
    async with assembler(database):
        await until(floor, "count(*) = 1 from shots")
        await floor.connection.execute("update sessions set closing_time = $1", floor.at(50.2))
        await floor.land(50.4)  # in the air when it was closed
        await floor.told_until(54.0)
        await until(floor, "exists (select from sessions where not is_opened and end_time = closing_time)")
    (shot,) = await rows(floor)
    assert shot["result"] == "hit"


async def test_a_session_that_the_tables_refuse_holds_up_no_other_lane(floor: LaneFloor, database: Database) -> None:
    await floor.connection.execute("alter table shots add constraint broken check (result <> 'hit')")
    await floor.connection.execute(
        "insert into devices (id, kind, driver, lane) values ('bow-2', 'bow', 'bow.link', 2)"
    )
    await floor.connection.execute(
        "insert into sessions (lane, start_time, location) values (2, $1, 'test')", floor.zero
    )
    floor.streams["bow-2"], floor.seqs["bow-2"] = uuid4(), 0
    async with assembler(database):
        await floor.shoot(20.0)
        await floor.land(20.4)
        await floor.sense("bow-2", "release", 30.0)
        await until(floor, "exists (select from shots where lane = 2)")
        assert not await floor.connection.fetchval("select exists (select from shots where lane = 1)")
        await floor.connection.execute("alter table shots drop constraint broken")
        await until(floor, "exists (select from shots where lane = 1 and result = 'hit')")


async def test_a_closed_session_hears_of_a_target_that_speaks_again(floor: LaneFloor, database: Database) -> None:
    await floor.shoot(30.0)
    await floor.connection.execute("update sessions set closing_time = $1", floor.at(31.0))
    async with assembler(database):
        await until(floor, "exists (select from sessions where not is_opened)")
    assert [shot["result"] for shot in await rows(floor)] == ["unknown"]
    await floor.told_until(59.0)  # it had only been silent, and saw nothing land
    async with assembler(database):
        await until(floor, "exists (select from shots where result = 'miss' and revision = 2)")


async def test_a_shot_that_was_another_s_and_results_again_is_the_same_row(
    floor: LaneFloor, database: Database
) -> None:
    await floor.land(20.4)  # the bow is silent: a shot of its own
    async with assembler(database):
        await until(floor, "exists (select from shots where result = 'hit' and time_source = 'target')")
        await floor.told_until(59.0)  # the bow was there after all, and saw no arrow leave
        await until(floor, "exists (select from shots where 'superseded' = any(flags))")
        await floor.connection.execute(
            """
            insert into device_gaps (device_id, stream_id, since, until, reason) values ('bow-1', $1, $2, $3, 'test')
            """,
            floor.streams["bow-1"],
            floor.at(19.0),
            floor.at(21.0),
        )
        await until(floor, "exists (select from shots where result = 'hit' and void_reason is null and revision = 3)")
    assert len(await rows(floor)) == 1


async def test_events_past_their_retention_are_forgotten(floor: LaneFloor, database: Database) -> None:
    await floor.connection.execute("update events set at = at - interval '8 days'")
    old = await floor.connection.fetchval("select count(*) from events")
    assert old > 0
    async with assembler(database):
        await until(floor, "not exists (select from events where at < clock_timestamp() - interval '7 days')")
    assert await floor.connection.fetchval("select pruned_id from installation") > 0
