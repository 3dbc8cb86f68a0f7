"""Shots computed again: because a person said something, an arrow became known, or a reading came a day late."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.shots.store.rebuilds import give_back, rebuild, take_over
from tests.edge.shots.lane_rows import LaneFloor
from tests.edge.shots.test_service import assembler, until

YESTERDAY_S = 86_400.0


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


@pytest.fixture
async def yesterday(database: Database) -> AsyncIterator[LaneFloor]:
    """A hit at 20 s and a miss at 40 s, in a session that was closed at 50 s and finished then."""
    connection = await database.connect()
    built = LaneFloor(connection, ago_s=YESTERDAY_S)
    await built.build()
    await built.shoot(20.0)
    await built.land(20.4)
    await built.shoot(40.0)
    await built.told_until(60.0)
    await connection.execute("update sessions set closing_time = $1", built.at(50.0))
    async with assembler(database):
        await until(built, "exists (select from sessions where not is_opened)")
    await connection.execute("delete from device_status")  # it is UNLOGGED, and the devices are gone
    yield built
    await connection.close()


async def shots(floor: LaneFloor) -> list[asyncpg.Record]:
    return await floor.connection.fetch(
        "select * from shots order by coalesce(arrow_disengage_time, arrow_landing_time)"
    )


async def events(floor: LaneFloor) -> list[tuple[str, str]]:
    rows = await floor.connection.fetch(
        "select type, coalesce(data ->> 'result', data ->> 'status') as said from events "
        "where type like 'shot.%' or type = 'reading.orphan' order by xid, id"
    )
    return [(row["type"], row["said"]) for row in rows]


async def say(floor: LaneFloor, kind: str, device: str, seq: int, **new: object) -> None:
    """Add a correction as the command line does."""
    await floor.connection.execute(
        """
        insert into corrections (session_id, kind, device_id, stream_id, seq, who, reason, old, new)
        values ($1, $2, $3, $4, $5, 'judge', 'seen', '{}', $6)
        """,
        floor.session_id, kind, device, floor.streams[device], seq, json.dumps(new),
    )  # fmt: skip


async def ask(floor: LaneFloor) -> int:
    number: int = await floor.connection.fetchval(
        "insert into rebuilds (session_id, who, reason) values ($1, 'test', 'test') returning id", floor.session_id
    )
    return number


async def test_what_a_judge_decided_survives_every_computation(floor: LaneFloor, database: Database) -> None:
    await floor.shoot(20.0)
    await floor.land(20.4)
    async with assembler(database):
        await until(floor, "exists (select from shots where result = 'hit')")
        await say(floor, "result", "bow-1", 2, result="hit", points=9, is_x=False)
        await until(floor, "exists (select from shots where points = 9)")
        await floor.land(20.45, 641.0)  # a new reading: everything is computed again
    async with assembler(database):
        await floor.shoot(50.0)
        await until(floor, "count(*) = 2 from shots")
    shot, _ = await shots(floor)
    assert (shot["points"], shot["is_x"], shot["flags"], shot["revision"]) == (9, False, ["corrected"], 2)


async def test_the_last_word_counts_and_may_be_taken_back(floor: LaneFloor, database: Database) -> None:
    await floor.shoot(20.0)
    await floor.land(20.4)
    async with assembler(database):
        await say(floor, "result", "bow-1", 2, result="hit", points=9, is_x=False)
        await say(floor, "result", "bow-1", 2, result="void", points=None, is_x=False)
        await until(floor, "exists (select from shots where result = 'void' and void_reason = 'seen')")
        await say(floor, "restore", "bow-1", 2)
        await until(floor, "exists (select from shots where points = 10 and flags = '{}' and void_reason is null)")
    assert [kind for kind, _ in await events(floor)][-2:] == ["shot.voided", "shot.updated"]


async def test_nobody_changes_or_removes_a_correction(floor: LaneFloor) -> None:
    await floor.shoot(20.0)
    await say(floor, "result", "bow-1", 2, result="miss", points=0, is_x=False)
    for statement in ("update corrections set reason = 'x'", "delete from corrections", "truncate corrections"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await floor.connection.execute(statement)
    with pytest.raises(asyncpg.CheckViolationError):
        await say(floor, "result", "bow-1", 2, result="splendid", points=0, is_x=False)


async def test_yesterdays_shot_is_corrected_today(yesterday: LaneFloor, database: Database) -> None:
    async with assembler(database):
        await say(yesterday, "result", "bow-1", 4, result="not_shot", points=None, is_x=False)
        await until(yesterday, "exists (select from shots where result = 'not_shot')")
    assert [shot["revision"] for shot in await shots(yesterday)] == [1, 2]
    assert (await events(yesterday))[-1] == ("shot.updated", "not_shot")


async def test_a_landing_that_comes_a_day_late_corrects_the_miss(yesterday: LaneFloor, database: Database) -> None:
    async with assembler(database):
        await yesterday.land(40.4, told=YESTERDAY_S)
        await until(yesterday, "count(*) = 2 from shots where result = 'hit'")
    assert [(shot["revision"], shot["flags"]) for shot in await shots(yesterday)] == [(1, []), (2, ["late"])]
    assert (await events(yesterday))[-1] == ("shot.updated", "hit")


async def test_a_reading_of_another_session_touches_no_closed_one(yesterday: LaneFloor, database: Database) -> None:
    before = await shots(yesterday)
    async with assembler(database):
        await yesterday.shoot(200.0)
        number = await ask(yesterday)
        await until(yesterday, f"exists (select from rebuilds where id = {number} and done_at is not null)")
    assert await shots(yesterday) == before


@pytest.mark.parametrize("running", [True, False], ids=["assembler runs", "nobody runs"])
async def test_a_rebuild_gives_the_same_rows_and_no_event(
    yesterday: LaneFloor, database: Database, *, running: bool
) -> None:
    before, told = await shots(yesterday), await events(yesterday)
    number = await ask(yesterday)
    if running:
        async with assembler(database):
            await until(yesterday, f"exists (select from rebuilds where id = {number} and done_at is not null)")
    else:
        assert await take_over(yesterday.connection)
        await rebuild(yesterday.connection, before[0]["session_id"], [number])
        await give_back(yesterday.connection)
    done = await yesterday.connection.fetchrow("select shots, revised from rebuilds where id = $1", number)
    assert done is not None
    assert tuple(done) == (2, 0)
    assert [shot["result"] for shot in before] == ["hit", "miss"]
    assert await shots(yesterday) == before
    assert await events(yesterday) == told


async def test_a_rebuild_makes_lost_rows_again_under_their_ids(yesterday: LaneFloor) -> None:
    before = [(shot["id"], shot["result"], shot["points"]) for shot in await shots(yesterday)]
    await yesterday.connection.execute("delete from shots")
    number = await ask(yesterday)
    assert yesterday.session_id is not None
    outcome = await rebuild(yesterday.connection, yesterday.session_id, [number])
    assert (outcome.shots, outcome.revised) == (2, 2)
    assert [(shot["id"], shot["result"], shot["points"]) for shot in await shots(yesterday)] == before


async def test_an_arrow_that_is_registered_late_gets_its_shots(yesterday: LaneFloor, database: Database) -> None:
    arrow = uuid4()
    await yesterday.sense("bow-1", "release", 30.0, tag=arrow.hex)
    await yesterday.sense("target-1", "landing", 30.4, tag=arrow.hex, x_mm=640.0, y_mm=640.0)
    async with assembler(database):
        await until(yesterday, "exists (select from shots where arrow_id is null and result = 'hit')")
        await yesterday.connection.execute(
            "insert into arrows (id, human_identifier, length) values ($1, 'B7', 70)", arrow
        )
        await until(yesterday, f"exists (select from shots where arrow_id = '{arrow}' and revision = 2)")


async def test_an_orphan_is_listed_and_told_of_and_so_is_what_becomes_of_it(
    floor: LaneFloor, database: Database
) -> None:
    await floor.shoot(20.0)
    await floor.land(30.0, 100.0)
    await floor.land(31.0, 200.0)
    await floor.told_until(40.0)
    async with assembler(database):
        await until(floor, "count(*) = 2 from orphans where status = 'open'")
        await say(floor, "assign", "target-1", 1, release={
            "device_id": "bow-1", "stream_id": str(floor.streams["bow-1"]), "seq": 2})  # fmt: skip
        await say(floor, "dismiss", "target-1", 2)
        await until(floor, "exists (select from orphans where status = 'assigned' and shot_id is not null)")
        await until(floor, "exists (select from orphans where status = 'voided')")
        shot = (await shots(floor))[0]
        assert (shot["assignment"], shot["x"], shot["time_source"]) == ("manual", 100.0, "both")
        await say(floor, "reopen", "target-1", 2)
        await until(floor, "exists (select from orphans where status = 'open')")
        await say(floor, "assign", "target-1", 2, release=None)
        await until(floor, "count(*) = 2 from orphans where status = 'assigned'")
    assert sorted(shot["result"] for shot in await shots(floor)) == ["hit", "hit"]
    orphan_events = [said for kind, said in await events(floor) if kind == "reading.orphan"]
    assert sorted(orphan_events[:2] + orphan_events[-2:]) == ["assigned", "open", "open", "open"]
    event = json.loads(await floor.connection.fetchval("select data from events where type = 'reading.orphan' limit 1"))
    assert {"id", "session_id", "lane", "status", "x", "y", "tag", "at"} <= event.keys()


async def test_an_orphan_whose_release_comes_late_is_one_no_more(floor: LaneFloor, database: Database) -> None:
    await floor.land(30.0)
    await floor.told_until(40.0)
    async with assembler(database):
        await until(floor, "exists (select from orphans where status = 'open')")
        await floor.shoot(29.6)
        await until(floor, "exists (select from orphans where status = 'assigned')")
    assert [shot["result"] for shot in await shots(floor)] == ["hit"]
