"""Judges decide about shots and landings: on the value that they saw, with the assembler beside them, and without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from tests.edge.lane_rows import CENTRE_MM, LaneRows
from tests.edge.push.api.original.answers import UNKNOWN, data_of, refused
from tests.edge.push.api.original.shooting import Landing, archer_on
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_orphan, add_shot
from tests.edge.shots.running import assembler, until

SEEN = {"reason": "seen at the target"}


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API."""
    async with http(service, "/api/v0/") as made:
        yield made


@pytest.fixture
async def judged(connection: Connection, database: Database) -> AsyncIterator[LaneRows]:
    """A 10, a miss, and a landing a second before the release of another miss, with a running assembler."""
    archer = await archer_on(connection)
    await archer.shoot(Landing(), "A1")
    await archer.shoot(None, "A2")
    await archer.shoot(Landing(y=CENTRE_MM + 180.0, flight_s=-1.0), "A3")
    await archer.step_back()
    async with assembler(database):
        await until(
            archer.lane,
            "(select count(*) from shots where result <> 'pending') = 3 and exists (select from orphans)",
        )
        yield archer.lane


async def shots(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The shots of the list, whole."""
    listed = data_of(await client.get("/shot"))
    return [data_of(await client.get(f"/shot/{one['id']}")) for one in listed]


async def decide(client: httpx.AsyncClient, path: str, tag: str | None = None, **body: object) -> None:
    """Make a decision that is computed at once."""
    headers = {} if tag is None else {"if-match": tag}
    assert data_of(await client.post(path, json=SEEN | body, headers=headers), 202) == {"done": True}


async def test_a_shot_is_corrected_voided_and_restored(client: httpx.AsyncClient, judged: LaneRows) -> None:
    hit, miss, _ = await shots(client)
    assert (hit["result"], hit["points"], miss["result"]) == ("hit", 10, "miss")
    path = f"/shot/{miss['id']}"
    await decide(client, f"{path}/correct", points=9)
    assert [(one["result"], one["points"]) for one in await shots(client)][:2] == [("hit", 10), ("hit", 9)]
    await decide(client, f"{path}/void")
    assert len(await shots(client)) == 2
    refused(await client.post(f"{path}/void", json=SEEN), 409, "refused")
    await decide(client, f"{path}/restore")
    assert data_of(await client.get(path))["result"] == "miss"
    refused(await client.post(f"{path}/restore", json=SEEN), 409, "refused")
    kinds = [row["kind"] for row in await judged.connection.fetch("select kind from corrections order by id")]
    assert kinds == ["result", "result", "restore"]


async def test_a_line_call_is_confirmed_by_its_own_value(client: httpx.AsyncClient, judged: LaneRows) -> None:
    hit, *_ = await shots(client)
    await decide(client, f"/shot/{hit['id']}/correct", result="hit", points=10, is_x=True)
    after = data_of(await client.get(f"/shot/{hit['id']}"))
    assert (after["points"], after["line_call"], after["revision"]) == (10, False, hit["revision"] + 1)
    assert await judged.connection.fetchval("select reason from corrections") == SEEN["reason"]


async def test_a_decision_needs_a_possible_value_and_a_reason(client: httpx.AsyncClient, judged: LaneRows) -> None:
    hit, *_ = await shots(client)
    path = f"/shot/{hit['id']}/correct"
    for body, status, field in (
        ({"points": 9}, 422, "reason"),
        ({"points": 9, "reason": "  "}, 422, "reason"),
        (SEEN | {"points": 7.5}, 422, "points"),
        (SEEN | {"result": "void"}, 422, "result"),
        (SEEN | {"result": "pending"}, 422, "result"),
        (SEEN | {"points": 7}, 409, None),
        (SEEN, 409, None),
    ):
        refused(await client.post(path, json=body), status, field=field)
    refused(await client.post(f"/shot/{UNKNOWN}/correct", json=SEEN | {"points": 9}), 404, "not_found")
    assert await judged.connection.fetchval("select count(*) from corrections") == 0


async def test_the_second_of_two_judges_learns_what_changed(client: httpx.AsyncClient, judged: LaneRows) -> None:
    _, miss, _ = await shots(client)
    path = f"/shot/{miss['id']}"
    tag = (await client.get(path)).headers["etag"]
    await decide(client, f"{path}/correct", tag, points=9)
    for method, address, body in (
        ("POST", f"{path}/correct", SEEN | {"points": 1}),
        ("POST", f"{path}/void", SEEN),
        ("DELETE", path, None),
    ):
        answer = await client.request(method, address, json=body, headers={"if-match": tag})
        assert answer.status_code == 412
        (error,) = answer.json()["errors"]
        assert error["code"] == "changed_meanwhile"
        assert "it is now hit with 9 points" in error["message"]
        assert "before it was miss with 0 points" in error["message"]
        assert answer.json()["data"]["points"] == 9
    assert await judged.connection.fetchval("select count(*) from corrections") == 1
    answer = await client.delete(path, headers={"if-match": answer.headers["etag"]})
    assert answer.status_code == 204


async def test_of_two_judges_at_once_one_decides(client: httpx.AsyncClient, judged: LaneRows) -> None:
    _, miss, _ = await shots(client)
    path = f"/shot/{miss['id']}"
    tag = (await client.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(
            client.post(f"{path}/correct", json=SEEN | {"points": points}, headers={"if-match": tag})
            for points in (10, 9, 1)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [202, 412, 412]
    assert await judged.connection.fetchval("select count(*) from corrections") == 1


async def test_a_landing_is_assigned_dismissed_and_reopened(client: httpx.AsyncClient, judged: LaneRows) -> None:
    (landing,) = data_of(await client.get("/orphan?status=open&lane=1"))
    path = f"/orphan/{landing['id']}"
    assert (landing["y"], landing["human_identifier"]) == (CENTRE_MM + 180.0, "A3")
    hit, miss, _ = await shots(client)
    refused(await client.post(f"{path}/assign", json=SEEN), 422, "missing", "shot_id")
    refused(await client.post(f"{path}/assign", json=SEEN | {"shot_id": hit["id"]}), 409, "refused")
    refused(await client.post(f"{path}/assign", json=SEEN | {"shot_id": UNKNOWN}), 404, "not_found")
    refused(await client.post(f"{path}/reopen", json=SEEN), 409, "refused")

    tag = (await client.get(path)).headers["etag"]
    await decide(client, f"{path}/assign", tag, shot_id=miss["id"])
    assert data_of(await client.get(path))["shot_id"] == miss["id"]
    assert data_of(await client.get(f"/shot/{miss['id']}"))["points"] == 1
    answer = await client.post(f"{path}/dismiss", json=SEEN, headers={"if-match": tag})
    assert answer.status_code == 412
    assert answer.json()["errors"][0]["message"].startswith("shot_id was changed meanwhile")

    await decide(client, f"{path}/reopen")
    assert data_of(await client.get(f"/shot/{miss['id']}"))["result"] == "miss"
    await decide(client, f"{path}/dismiss")
    assert data_of(await client.get("/orphan?status=open")) == []
    assert data_of(await client.get("/orphan?status=voided"))[0]["id"] == landing["id"]
    await decide(client, f"{path}/reopen")
    await decide(client, f"{path}/assign", shot_id=None)
    assert len(await shots(client)) == 4
    assert await judged.connection.fetchval("select count(*) from corrections") == 5


async def test_without_an_assembler_a_decision_is_recorded(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    shot, orphan = await add_shot(lane), await add_orphan(lane, 100.0, 100.0)
    answer = await client.post(f"/shot/{shot}/correct", json=SEEN | {"points": 9})
    assert data_of(answer, 202) == {"done": False}
    message = refused(await client.delete(f"/shot/{shot}"), 409, "pending")
    assert "is recorded and not computed yet" in message
    refused(await client.post(f"/shot/{shot}/void", json=SEEN, headers={"if-match": '"1"'}), 409, "pending")
    assert data_of(await client.post(f"/orphan/{orphan}/dismiss", json=SEEN), 202) == {"done": False}
    assert data_of(await client.get(f"/shot/{shot}"))["points"] == 10
    assert await connection.fetchval("select count(*) from corrections") == 3


async def test_pages_of_landings(client: httpx.AsyncClient, lane: LaneRows) -> None:
    made = [str(await add_orphan(lane, 100.0 + number, 100.0)) for number in range(3)]
    answer = await client.get("/orphan?limit=2")
    assert [one["id"] for one in data_of(answer)] == made[:2]
    following = httpx.URL(answer.links["next"]["url"]).query.decode()
    assert [one["id"] for one in data_of(await client.get(f"/orphan?{following}"))] == made[2:]
    refused(await client.get(f"/orphan/{UNKNOWN}"), 404, "not_found")


async def test_the_api_writes_neither_readings_nor_shots(database_settings: ServiceSettings, lane: LaneRows) -> None:
    await add_shot(lane)
    async with open_database(database_settings, application="test", role=Role.API) as database:
        connection = await database.connect()
        for table, value in (
            ("readings", "tag = null"),
            ("shots", "points = 10"),
            ("orphans", "x = 0"),
            ("ends", "number = 2"),
            ("events", "lane = 2"),
        ):
            for statement in (
                f"insert into {table} default values",
                f"update {table} set {value}",
                f"delete from {table}",
                f"truncate {table} cascade",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        await connection.close()
