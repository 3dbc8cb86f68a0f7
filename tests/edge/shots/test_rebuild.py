"""Recomputed shots: after a correction, a late registration of an arrow, a late reading, or a rebuild request."""

from __future__ import annotations

import json
from uuid import uuid4

import asyncpg
import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.operator.rescoring import rescore_session
from edge.shots.session import rebuild
from edge.shots.store.shares import release_share, take_share
from tests.edge.lane_rows import LaneRows, build_lane, started_ago
from tests.edge.shots.running import assembler, until

YESTERDAY_S = 86_400.0


@pytest.fixture
async def yesterday(connection: Connection, database: Database) -> LaneRows:
    """A hit at 20 s and a miss at 40 s, in a session that was closed at 50 s and finished then."""
    built = await build_lane(connection, started_ago(YESTERDAY_S))
    await built.shoot(20.0)
    await built.land(20.4)
    await built.shoot(40.0)
    await built.set_watermarks(60.0)
    await connection.execute("update sessions set closing_time = $1", built.at(50.0))
    async with assembler(database):
        await until(built, "exists (select from sessions where not is_opened)")
    await connection.execute("delete from device_status")  # an UNLOGGED table loses its rows in a crash
    return built


async def shots(lane: LaneRows) -> list[asyncpg.Record]:
    return await lane.connection.fetch(
        "select * from shots order by coalesce(arrow_disengage_time, arrow_landing_time)"
    )


async def events(lane: LaneRows) -> list[tuple[str, str]]:
    rows = await lane.connection.fetch(
        "select type, coalesce(data ->> 'result', data ->> 'status') as outcome from events "
        "where type like 'shot.%' or type = 'reading.orphan' order by xid, id"
    )
    return [(row["type"], row["outcome"]) for row in rows]


async def correct(lane: LaneRows, kind: str, device: str, seq: int, **new: object) -> None:
    """Add a correction as the command line does."""
    await lane.connection.execute(
        """
        insert into corrections (session_id, kind, device_id, stream_id, seq, who, reason, old, new)
        values ($1, $2, $3, $4, $5, 'judge', 'seen', '{}', $6)
        """,
        lane.session_id, kind, device, lane.streams[device], seq, json.dumps(new),
    )  # fmt: skip


async def request_rebuild(lane: LaneRows) -> int:
    number: int = await lane.connection.fetchval(
        "insert into rebuilds (session_id, who, reason) values ($1, 'test', 'test') returning id", lane.session_id
    )
    return number


async def test_correction_survives_every_computation(lane: LaneRows, database: Database) -> None:
    await lane.shoot(20.0)
    await lane.land(20.4)
    async with assembler(database):
        await until(lane, "exists (select from shots where result = 'hit')")
        await correct(lane, "result", "bow-1", 2, result="hit", points=9, is_x=False)
        await until(lane, "exists (select from shots where points = 9)")
        await lane.land(20.45, 641.0)  # a new reading recomputes the session
    async with assembler(database):
        await lane.shoot(50.0)
        await until(lane, "count(*) = 2 from shots")
    shot, _ = await shots(lane)
    assert (shot["points"], shot["is_x"], shot["flags"], shot["revision"]) == (9, False, ["corrected"], 2)


async def test_latest_correction_counts_and_may_be_revoked(lane: LaneRows, database: Database) -> None:
    await lane.shoot(20.0)
    await lane.land(20.4)
    async with assembler(database):
        await correct(lane, "result", "bow-1", 2, result="hit", points=9, is_x=False)
        await correct(lane, "result", "bow-1", 2, result="void", points=None, is_x=False)
        await until(lane, "exists (select from shots where result = 'void' and void_reason = 'seen')")
        await correct(lane, "restore", "bow-1", 2)
        await until(lane, "exists (select from shots where points = 10 and flags = '{}' and void_reason is null)")
    assert [kind for kind, _ in await events(lane)][-2:] == ["shot.voided", "shot.updated"]


async def test_corrections_can_only_be_added(lane: LaneRows) -> None:
    await lane.shoot(20.0)
    await correct(lane, "result", "bow-1", 2, result="miss", points=0, is_x=False)
    for statement in ("update corrections set reason = 'x'", "delete from corrections", "truncate corrections"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await lane.connection.execute(statement)
    with pytest.raises(asyncpg.CheckViolationError):
        await correct(lane, "result", "bow-1", 2, result="splendid", points=0, is_x=False)


async def test_yesterdays_shot_is_corrected_today(yesterday: LaneRows, database: Database) -> None:
    async with assembler(database):
        await correct(yesterday, "result", "bow-1", 4, result="not_shot", points=None, is_x=False)
        await until(yesterday, "exists (select from shots where result = 'not_shot')")
    assert [shot["revision"] for shot in await shots(yesterday)] == [1, 2]
    assert (await events(yesterday))[-1] == ("shot.updated", "not_shot")


async def test_landing_received_a_day_late_corrects_the_miss(yesterday: LaneRows, database: Database) -> None:
    async with assembler(database):
        await yesterday.land(40.4, received=YESTERDAY_S)
        await until(yesterday, "count(*) = 2 from shots where result = 'hit'")
    assert [(shot["revision"], shot["flags"]) for shot in await shots(yesterday)] == [(1, []), (2, ["late"])]
    assert (await events(yesterday))[-1] == ("shot.updated", "hit")


async def test_other_readings_leave_a_closed_session_unchanged(yesterday: LaneRows, database: Database) -> None:
    before = await shots(yesterday)
    async with assembler(database):
        await yesterday.shoot(200.0)
        number = await request_rebuild(yesterday)
        await until(yesterday, f"exists (select from rebuilds where id = {number} and done_at is not null)")
    assert await shots(yesterday) == before


@pytest.mark.parametrize("running", [True, False], ids=["assembler runs", "no assembler"])
async def test_rebuild_gives_the_same_rows_and_no_event(
    yesterday: LaneRows, database: Database, *, running: bool
) -> None:
    before, published = await shots(yesterday), await events(yesterday)
    number = await request_rebuild(yesterday)
    if running:
        async with assembler(database):
            await until(yesterday, f"exists (select from rebuilds where id = {number} and done_at is not null)")
    else:
        assert await take_share(yesterday.connection, yesterday.number)
        await rebuild(yesterday.connection, before[0]["session_id"], [number])
        await release_share(yesterday.connection, yesterday.number)
    done = await yesterday.connection.fetchrow("select shots, revised from rebuilds where id = $1", number)
    assert done is not None
    assert tuple(done) == (2, 0)
    assert [shot["result"] for shot in before] == ["hit", "miss"]
    assert await shots(yesterday) == before
    assert await events(yesterday) == published


async def test_rebuild_restores_lost_rows_under_their_ids(yesterday: LaneRows) -> None:
    before = [(shot["id"], shot["result"], shot["points"]) for shot in await shots(yesterday)]
    await yesterday.connection.execute("delete from shots")
    number = await request_rebuild(yesterday)
    await rebuild(yesterday.connection, yesterday.session_id, [number])
    done = await yesterday.connection.fetchrow("select shots, revised from rebuilds where id = $1", number)
    assert done is not None
    assert tuple(done) == (2, 2)
    assert [(shot["id"], shot["result"], shot["points"]) for shot in await shots(yesterday)] == before


async def test_arrow_registered_late_gets_its_shots(yesterday: LaneRows, database: Database) -> None:
    arrow = uuid4()
    await yesterday.add_reading("bow-1", "release", 30.0, tag=arrow.hex)
    await yesterday.add_reading("target-1", "landing", 30.4, tag=arrow.hex, x_mm=640.0, y_mm=640.0)
    async with assembler(database):
        await until(yesterday, "exists (select from shots where arrow_id is null and result = 'hit')")
        await yesterday.connection.execute(
            "insert into arrows (id, human_identifier, length) values ($1, 'B7', 70)", arrow
        )
        await until(yesterday, f"exists (select from shots where arrow_id = '{arrow}' and revision = 2)")
    _, between, _ = await shots(yesterday)
    assert (between["arrow_id"], between["result"], between["revision"]) == (arrow, "hit", 2)
    assert (await events(yesterday))[-2:] == [("shot.created", "hit"), ("shot.updated", "hit")]


async def test_arrow_registered_in_its_session_gets_its_shots(lane: LaneRows, database: Database) -> None:
    arrow = uuid4()
    await lane.add_reading("bow-1", "release", 20.0, tag=arrow.hex)
    async with assembler(database):
        await until(lane, "exists (select from shots where arrow_id is null)")
        await lane.connection.execute("insert into arrows (id, human_identifier, length) values ($1, 'B7', 70)", arrow)
        await until(lane, f"exists (select from shots where arrow_id = '{arrow}')", 10.0)
    assert [(shot["arrow_id"], shot["revision"]) for shot in await shots(lane)] == [(arrow, 2)]


async def test_orphan_and_its_outcome_are_stored_and_published(lane: LaneRows, database: Database) -> None:
    await lane.shoot(20.0)
    await lane.land(30.0, 100.0)
    await lane.land(31.0, 200.0)
    await lane.set_watermarks(40.0)
    async with assembler(database):
        await until(lane, "count(*) = 2 from orphans where status = 'open'")
        await correct(lane, "assign", "target-1", 1, release={
            "device_id": "bow-1", "stream_id": str(lane.streams["bow-1"]), "seq": 2})  # fmt: skip
        await correct(lane, "dismiss", "target-1", 2)
        await until(lane, "exists (select from orphans where status = 'assigned' and shot_id is not null)")
        await until(lane, "exists (select from orphans where status = 'voided')")
        shot = (await shots(lane))[0]
        assert (shot["assignment"], shot["x"], shot["time_source"]) == ("manual", 100.0, "both")
        await correct(lane, "reopen", "target-1", 2)
        await until(lane, "exists (select from orphans where status = 'open')")
        await correct(lane, "assign", "target-1", 2, release=None)
        await until(lane, "count(*) = 2 from orphans where status = 'assigned'")
    assert sorted(shot["result"] for shot in await shots(lane)) == ["hit", "hit"]
    orphan_events = [status for kind, status in await events(lane) if kind == "reading.orphan"]
    assert sorted(orphan_events[:2] + orphan_events[-2:]) == ["assigned", "open", "open", "open"]
    event = json.loads(await lane.connection.fetchval("select data from events where type = 'reading.orphan' limit 1"))
    assert {"id", "session_id", "lane", "status", "x", "y", "tag", "at"} <= event.keys()


async def test_orphan_with_a_late_release_is_assigned(lane: LaneRows, database: Database) -> None:
    await lane.land(30.0)
    await lane.set_watermarks(40.0)
    async with assembler(database):
        await until(lane, "exists (select from orphans where status = 'open')")
        await lane.shoot(29.6)
        await until(lane, "exists (select from orphans where status = 'assigned')")
    assert [shot["result"] for shot in await shots(lane)] == ["hit"]


async def test_rescore_of_a_closed_session_is_computed(yesterday: LaneRows, database: Database) -> None:
    async with assembler(database):
        done = await rescore_session(yesterday.connection, yesterday.session_id, "Bea", "a test", "wa_x11", None)
    assert (done.done, done.old_total, done.new_total, len(done.changed)) == (True, 10, 11, 1)
    hit, _ = await shots(yesterday)
    assert (hit["points"], hit["is_x"], hit["rule_set"]) == (11, True, "wa_x11")
