"""Past sessions over a real socket."""

from __future__ import annotations

from uuid import uuid4

from tests.edge.lane_rows import LaneRows
from tests.edge.operator.export.past_sessions import add_session
from tests.edge.push.serving import Service, http


async def test_past_sessions_are_paged_and_filtered(service: Service, lane: LaneRows) -> None:
    added = [await add_session(lane, {name: [10, 9, 8]}) for name in ("Kim", "Ünal & Co", "Kim")]
    async with http(service, "/api/v0/session") as client:
        answer = await client.get("/history", params={"lane": 1, "limit": 2})
        assert [one["id"] for one in answer.json()["data"]] == [str(one) for one in added[:0:-1]]
        newest = answer.json()["data"][0]["archers"][0]
        assert (newest["archer"], newest["points"], newest["average"], newest["is_best"]) == ("Kim", 27, 9.0, False)
        assert newest["best"]["session_id"] == str(added[0])
        following = answer.headers["link"].removeprefix("<").partition(">")[0].removeprefix("/api/v0/session")
        rest = await client.get(following)
        assert rest.json()["data"][0]["id"] == str(added[0])
        assert rest.json()["data"][0]["archers"][0]["is_best"], "of equal sums the first one"
        assert "link" not in rest.headers
        one = await client.get("/history", params={"archer": "Ünal & Co"})
        assert [each["id"] for each in one.json()["data"]] == [str(added[1])]
        other = await client.get("/history", params={"archer": "ünal & co"})
        assert other.json()["data"] == [], "names differ by case, as where they are entered"
        assert (await client.head("/history")).content == b""


async def test_wrong_filters_are_422(service: Service) -> None:
    async with http(service, "/api/v0/session") as client:
        for query, member in (
            ({"limit": 51}, "limit"), ({"lane": 0}, "lane"), ({"archer": ""}, "archer"), ({"after": str(uuid4())}, "after"),
            ({"name": "Kim"}, "name"), ({"archer": "K\0"}, "archer"),
        ):  # fmt: skip
            answer = await client.get("/history", params=query)
            assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["query", member]), query
        assert (await client.get("/history")).json()["data"] == []
