"""Cases H01 to H16 of the original, with the answers of this API."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from tests.edge.lane_rows import LaneRows
from tests.edge.push.api.original.answers import UNKNOWN, data_of, refused
from tests.edge.push.api.original.shooting import Landing, archer_on
from tests.edge.shot_rows import add_shot
from tests.edge.shots.running import assembler, until

KEYS = {
    "id", "arrow_id", "session_id", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y",
}  # fmt: skip
"""The 8 keys of the original."""
INCOMPLETE = {
    "H01": "arrow_landing_time = null",
    "H02": "x = null",
    "H03": "arrow_landing_time = null, y = null",
}
"""Values that leave a landing incomplete, by the number of the case."""


async def test_h01_to_h03_a_landing_is_complete(lane: LaneRows, connection: Connection) -> None:
    await add_shot(lane)
    for values in INCOMPLETE.values():
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"update shots set {values}")
    await connection.execute("update shots set arrow_landing_time = null, x = null, y = null, result = 'miss'")


async def test_h04_a_closed_session_has_releases_up_to_its_end(
    client: httpx.AsyncClient, connection: Connection, database: Database
) -> None:
    archer = await archer_on(connection)
    await archer.shoot(Landing(), "H04-early")
    await archer.shoot(Landing(y=700.0), "H04-late")
    await archer.step_back()
    await connection.execute("update sessions set closing_time = $1", archer.lane.at(10.2))
    async with assembler(database):
        await until(archer.lane, "exists (select from sessions where not is_opened)")
    (one,) = data_of(await client.get("/shot"))
    assert datetime.fromisoformat(one["arrow_disengage_time"]) == archer.lane.at(10.0)
    assert datetime.fromisoformat(one["arrow_landing_time"]) == archer.lane.at(10.5), "it flew at the end"


async def test_h04_s27_s28_with_devices_and_an_assembler(
    client: httpx.AsyncClient, connection: Connection, database: Database
) -> None:
    archer = await archer_on(connection)
    lane, path = archer.lane, f"/session/{archer.lane.session_id}"
    await archer.shoot(Landing(), "H04-early")
    await archer.step_back()
    async with assembler(database):
        answer = await client.patch(path, json={"is_opened": False, "end_time": lane.at(10.2).isoformat()})
        data_of(answer, 202)
        shown = await client.get(path)
        assert answer.headers["etag"] == shown.headers["etag"]
        assert datetime.fromisoformat(data_of(shown)["end_time"]) == lane.at(10.2)
        await archer.shoot(Landing(y=700.0), "H04-late")
        (one,) = data_of(await client.get("/shot"))
        assert datetime.fromisoformat(one["arrow_landing_time"]) == lane.at(10.5), "it flew at the end"
        data_of(await client.patch(path, json={"is_opened": True, "end_time": None}), 202)
        await until(lane, "(select count(*) from shots where result = 'hit') = 2")
        refused(await client.delete(path), 409, "session_has_shots")


async def test_h05_h10_h11_lists_without_shots(client: httpx.AsyncClient) -> None:
    assert data_of(await client.get("/shot")) == []
    assert data_of(await client.get(f"/shot?arrow_id={UNKNOWN}")) == []
    refused(await client.get("/shot?x=abc"), 422, "float_parsing", "x")


async def test_h06_h13_shots_come_from_sensors_in_pages(client: httpx.AsyncClient, lane: LaneRows) -> None:
    made = [str(await add_shot(lane, x=600.0 + number)) for number in range(5)]
    path, found = "/api/v0/shot?limit=2", []
    while path:
        answer = await client.get(f"{client.base_url.copy_with(path='/')}{path.removeprefix('/')}")
        page = data_of(answer)
        assert all(set(one) == KEYS for one in page)
        found += [one["id"] for one in page]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert found == made
    for method, address in (("POST", "/shot"), ("PATCH", f"/shot/{made[0]}")):
        refused(await client.request(method, address, json={}), 405, "method_not_allowed")


async def test_h07_to_h09_h12_filters_and_one_shot(
    client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    first, second, missed = (
        await add_shot(lane, x=61.3, y=700.0),
        await add_shot(lane, x=100.0),
        await add_shot(lane, None, None, 0, result="miss"),
    )
    arrow = await connection.fetchval("select id from arrows")
    await connection.execute("update shots set arrow_id = $1 where id = $2", arrow, second)

    async def ids(query: str) -> list[str]:
        return [one["id"] for one in data_of(await client.get(f"/shot?{query}"))]

    assert await ids(f"arrow_id={arrow}") == [str(second)]
    (one,) = data_of(await client.get("/shot?x=61.3"))
    assert (one["id"], one["x"], one["y"]) == (str(first), 61.3, 700.0)
    assert await ids(f"arrow_engage_time={quote(one['arrow_engage_time'])}") == [str(first)]
    assert await ids("landed=false") == await ids("x=null") == await ids("arrow_landing_time=null") == [str(missed)]
    answer = await client.get(f"/shot/{first}")
    assert answer.headers["etag"] == '"1"'
    assert (data_of(answer)["result"], data_of(answer)["points"], data_of(answer)["face"]) == ("hit", 10, "A")


async def test_h14_an_unknown_shot_is_not_deleted(client: httpx.AsyncClient) -> None:
    refused(await client.delete(f"/shot/{UNKNOWN}"), 404, "not_found")
    refused(await client.delete(f"/shot/{UNKNOWN}?reason="), 422, field="reason")


async def test_h15_h16_shots_and_their_arrows_stay_on_record(
    client: httpx.AsyncClient, connection: Connection, database: Database
) -> None:
    archer = await archer_on(connection)
    arrow = await archer.shoot(Landing(), "H15")
    await archer.step_back()
    async with assembler(database):
        await until(archer.lane, "exists (select from shots where result = 'hit')")
        (shot,) = data_of(await client.get("/shot"))
        refused(await client.delete(f"/arrow/{arrow}"), 409, "in_use")
        answer = await client.delete(
            f"/shot/{shot['id']}?reason=the+target+fell", headers={"Archstats-Operator": quote("Zoë")}
        )
        assert (answer.status_code, answer.content) == (204, b"")
        assert data_of(await client.get("/shot")) == []
        refused(await client.delete(f"/shot/{shot['id']}"), 409, "refused")
    whole = data_of(await client.get(f"/shot/{shot['id']}"))
    assert (whole["result"], whole["points"], whole["void_reason"]) == ("void", None, "the target fell")
    row = await connection.fetchrow("select who, reason, old ->> 'points' as points from corrections")
    assert row is not None
    assert tuple(row) == ("Zoë", "the target fell", "10")
    refused(await client.delete(f"/arrow/{arrow}"), 409, "in_use")
