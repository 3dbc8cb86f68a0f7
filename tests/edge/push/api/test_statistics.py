"""Statistics over HTTP: of a lane, of a session, of all lanes; computed once for each change of a session."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.common.postgres.connection import Connection
from edge.push.api.statistics import Statistics
from edge.push.http.read_pool import DatabaseAwayError, ReadPool
from tests.edge.lane_rows import CENTRE_MM, OUTDOORS, LaneRows
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_shot, revise_shot


async def answer(service: Service, query: str = "", status: int = 200) -> Any:
    async with http(service, "/api/v0") as client:
        found = await client.get(f"/statistics{query}")
    assert found.status_code == status, found.text
    envelope = found.json()
    return envelope["errors"] if status != 200 else envelope["data"]


@pytest.fixture
async def statistics(service: Service) -> AsyncIterator[Statistics]:
    """The statistics of a service, with the rights of its role."""
    pool = ReadPool(service.database)
    yield Statistics(pool)
    pool.close()


async def test_a_lane_has_sums_ends_group_and_arrows(service: Service, lane: LaneRows) -> None:
    for step in range(6):
        await add_shot(lane, CENTRE_MM + 300 + 20 * step, CENTRE_MM - 10 * step, 10 - step)
    await add_shot(lane, None, None, 0, result="miss")
    await add_shot(lane, None, None, None, result="unknown")
    found = await answer(service, "?lane=1")
    assert (found["lane"], found["session_id"], found["revision"]) == (1, str(lane.session_id), "8-8")
    assert found["totals"] == {
        "arrows": 8, "decided": 7, "undecided": 1, "scored": 7, "points": 45, "hits": 6, "xs": 0, "misses": 1,
        "average": 45 / 7,
    }  # fmt: skip
    assert found["best_points"] == 70
    assert [(end["number"], end["is_sighter"], end["running"]) for end in found["ends"]] == [
        (1, False, 45),
        (2, False, 45),
    ]
    group = found["group"]
    assert (group["n"], group["dx_mm"], group["dy_mm"]) == (6, 350.0, -25.0)
    assert set(group["spread"]) == {"sigma_mm", "low_mm", "high_mm"}
    assert found["sight"]["right_mm"] == pytest.approx(350 * 0.85 / 70)
    assert found["arrows"] == []  # no arrow was read
    assert await answer(service) == found  # the first lane with an open session
    assert await answer(service, f"?session={lane.session_id}") == found


async def test_the_best_score_follows_the_rules(service: Service, lane: LaneRows, connection: Connection) -> None:
    shot = await add_shot(lane)
    best = {"usual": (await answer(service))["best_points"]}
    await connection.execute("update sessions set x_points = 11")
    best["experiment"] = (await answer(service))["best_points"]
    await connection.execute("update faces set x_radius = null")
    best["no x"] = (await answer(service))["best_points"]
    await connection.execute("update shots set points = 11, is_x = true, revision = 2 where id = $1", shot)
    best["rescored"] = (await answer(service))["best_points"]
    assert best == {"usual": 10, "experiment": 11, "no x": 10, "rescored": 11}


async def test_archers_who_share_a_butt_have_own_sums(service: Service, lane: LaneRows, connection: Connection) -> None:
    name = await connection.fetchval("select name from faces where id = $1", lane.face_id)
    for letter, points in (("A", 9), ("B", 7)):
        slot = await connection.fetchval(
            "insert into slots (session_id, letter, face) values ($1, $2, $3) returning id",
            lane.session_id,
            letter,
            name,
        )
        shot = await add_shot(lane, points=points)
        await connection.execute("update shots set slot_id = $2, revision = 2 where id = $1", shot, slot)
    found = await answer(service)
    assert [(one["letter"], one["totals"]["points"], one["group"]["n"]) for one in found["slots"]] == [
        ("A", 9, 1),
        ("B", 7, 1),
    ]
    assert (found["group"], found["totals"]["points"]) == (None, 16)


async def test_unknown_sessions_and_wrong_parameters(service: Service, lane: LaneRows) -> None:
    empty = await answer(service, "?lane=7")
    assert (empty["lane"], empty["session_id"], empty["group"], empty["totals"]["arrows"]) == (7, None, None, 0)
    assert set(empty) == set(await answer(service, f"?lane={lane.number}"))
    (error,) = await answer(service, f"?session={uuid.uuid4()}", status=404)
    assert error["code"] == "not_found"
    both = f"?lane=1&session={lane.session_id}"
    for query in ("?lane=0", "?lane=x", "?session=1", "?lanes=1", "?lane=1&lane=2", both, "/all?lane=1"):
        assert await answer(service, query, status=422) != [], query


async def test_all_lanes_are_one_answer(service: Service, lane: LaneRows, connection: Connection) -> None:
    other = LaneRows(connection, OUTDOORS, lane.number + 1)
    await other.build()
    await add_shot(other, points=7)
    found = await answer(service, "/all")
    assert [(one["lane"], one["totals"]["points"]) for one in found] == [(1, 0), (2, 7)]
    assert found == [await answer(service, f"?lane={number}") for number in (1, 2)]


async def test_a_change_is_in_the_next_answer_and_computed_once(
    statistics: Statistics, lane: LaneRows, connection: Connection
) -> None:
    shot = await add_shot(lane, points=9)
    await asyncio.gather(*(statistics.of_lane(1) for _ in range(50)), statistics.of_session(lane.session_id))
    assert statistics.computed == 1
    await revise_shot(lane, shot, CENTRE_MM, CENTRE_MM, 8, "hit")
    assert json.loads(await statistics.of_lane(1))["totals"]["points"] == 8
    arrow = await connection.fetchval(
        "insert into arrows (id, human_identifier, length) values (gen_random_uuid(), 'L1-01', 70) returning id"
    )
    await connection.execute("update shots set arrow_id = $1", arrow)
    assert [one["name"] for one in json.loads(await statistics.of_lane(1))["arrows"]] == ["L1-01"]
    await connection.execute("update sessions set sighter_ends = 1")
    assert json.loads(await statistics.of_lane(1))["totals"]["points"] == 0
    assert json.loads(await statistics.of_all_lanes())[0]["totals"]["points"] == 0
    assert statistics.computed == 4


async def test_requests_share_a_reading_that_began_after_them(
    statistics: Statistics, lane: LaneRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that arrives during a reading gets the next one, which knows the shots of the meantime."""
    began, go_on = asyncio.Event(), asyncio.Event()
    readings = 0
    of = statistics._of

    async def slow(connection: Connection, state: Any) -> bytes:
        nonlocal readings
        readings += 1
        began.set()
        await go_on.wait()
        return await of(connection, state)

    monkeypatch.setattr(statistics, "_of", slow)
    first = asyncio.create_task(statistics.of_lane(1))
    await began.wait()
    await add_shot(lane, points=9)
    later = [asyncio.create_task(statistics.of_lane(1)) for _ in range(20)]
    await asyncio.sleep(0)
    go_on.set()
    assert json.loads(await first)["totals"]["points"] == 0
    assert {json.loads(one)["totals"]["points"] for one in await asyncio.gather(*later)} == {9}
    assert readings == 2


async def test_an_unreachable_database_fails_the_waiting_requests(
    statistics: Statistics, lane: LaneRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_shot(lane, points=9)
    with monkeypatch.context() as away:

        async def broken(*_: object) -> bytes:
            raise ConnectionResetError("cut")

        away.setattr(statistics, "_of", broken)
        results = await asyncio.gather(*(statistics.of_lane(1) for _ in range(5)), return_exceptions=True)
        assert {type(one) for one in results} == {DatabaseAwayError}
    assert json.loads(await statistics.of_lane(1))["totals"]["points"] == 9
