"""Cases S01 to S40 of the original, with the answers of this API."""

from __future__ import annotations

import json
from uuid import UUID

import httpx

from edge.common.postgres.connection import Connection
from tests.edge.push.api.original.answers import UNKNOWN, data_of, open_session, refused
from tests.edge.push.serving import Service

KEYS = {"id", "is_opened", "start_time", "location", "is_indoor", "end_time"}
START = "2026-01-01T10:00:00Z"
END = "2026-01-01T12:00:00Z"
CLOSED = {"is_opened": False, "end_time": END}
OPENED = {"is_opened": True, "end_time": None}
BODY = {"is_opened": True, "start_time": START, "location": "Hall 1", "is_indoor": False}

WRONG_BODIES = {
    "S12": ({name: value for name, value in BODY.items() if name != "is_opened"}, "is_opened"),
    "S13": ({name: value for name, value in BODY.items() if name != "start_time"}, "start_time"),
    "S14": ({name: value for name, value in BODY.items() if name != "location"}, "location"),
    "S15": (BODY | {"is_opened": "not-a-bool"}, "is_opened"),
    "S16": (BODY | {"start_time": "not-a-datetime"}, "start_time"),
    "S17": (BODY | {"location": 12345}, "location"),
    "S18": (BODY | {"is_indoor": "not-a-bool"}, "is_indoor"),
    "S19": (BODY | {"bogus": 1}, "bogus"),
    "S20": (BODY | {"location": "x" * 256}, "location"),
    "S21": (BODY | {"is_opened": False}, "is_opened"),
}
"""Bodies that no session is opened with, and the member that is wrong, by the number of the case."""


async def test_s01_s02_without_sessions(client: httpx.AsyncClient) -> None:
    assert data_of(await client.get("/session")) == []
    assert data_of(await client.get("/session/open")) is None


async def test_s03_to_s05_an_opened_session_is_shown(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client, location="Hall 2")
    assert str(UUID(session_id)) == session_id
    shown = data_of(await client.get(f"/session/{session_id}"))
    assert set(shown) == KEYS
    assert (shown["is_opened"], shown["location"], shown["is_indoor"], shown["end_time"]) == (
        True,
        "Hall 2",
        True,
        None,
    )
    assert data_of(await client.get("/session/open")) == shown
    assert data_of(await client.get("/session/open?lane=2")) is None


async def test_s06_to_s11_filters(client: httpx.AsyncClient) -> None:
    exact = "2026-01-01T10:00:00.123456Z"
    first = await open_session(client, start_time=exact)
    data_of(await client.patch(f"/session/{first}", json=CLOSED), 202)
    second = await open_session(client, start_time=END, location="Field")

    async def found(**query: str) -> list[str]:
        return [one["id"] for one in data_of(await client.get("/session", params=query))]

    assert await found() == [first, second]
    assert (await found(is_opened="true"), await found(is_opened="false")) == ([second], [first])  # S06
    assert await found(location="DoesNotExist") == []  # S07
    assert await found(start_time=exact) == [first]  # S08
    assert await found(start_time="2026-01-01T10:00:00.123455Z") == []
    assert await found(location="Field", is_opened="true") == [second]  # S09
    assert await found(location="Field", is_opened="false") == []
    assert (await found(end_time="null"), await found(end_time=END)) == ([second], [first])
    refused(await client.get("/session?is_opened=maybe"), 422, field="is_opened")  # S10
    refused(await client.get("/session?bogus=1"), 422, "extra_forbidden", "bogus")  # S11
    refused(await client.get("/session?is_opened=true&is_opened=false"), 422, "doubled", "is_opened")


async def test_sessions_are_paged_by_limit_and_after(client: httpx.AsyncClient) -> None:
    ids = [await open_session(client, lane=lane) for lane in (1, 2, 3)]
    answer = await client.get("/session?limit=2")
    assert [one["id"] for one in data_of(answer)] == ids[:2]
    assert answer.links["next"]["url"] == f"/api/v0/session?limit=2&after={ids[1]}"
    last = await client.get(f"/session?limit=2&after={ids[1]}")
    assert [one["id"] for one in data_of(last)] == ids[2:]
    assert "next" not in last.links
    refused(await client.get("/session?limit=0"), 422, field="limit")


async def test_s12_to_s21_wrong_bodies_open_nothing(client: httpx.AsyncClient) -> None:
    for case, (body, field) in WRONG_BODIES.items():
        answer = await client.post("/session", json=body)
        assert answer.status_code == 422, case
        refused(answer, 422, field=field)
    refused(await client.post("/session", json=WRONG_BODIES["S21"][0]), 422, "value_error")
    assert data_of(await client.get("/session")) == []


async def test_s22_s23_one_session_is_open_on_a_lane(client: httpx.AsyncClient) -> None:
    first = await open_session(client)
    refused(await client.post("/session", json=BODY), 409, "session_already_open")
    assert data_of(await client.get("/session/open"))["id"] == first
    await open_session(client, lane=2)


async def test_s24_to_s26_open_and_end_agree(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    for case, body in {
        "S24": {"is_opened": False},
        "S25": {"is_opened": True, "end_time": END},
        "S26": {"end_time": END},
    }.items():
        answer = await client.patch(f"/session/{session_id}", json=body)
        assert answer.status_code == 409, case
        refused(answer, 409, "refused")
    assert data_of(await client.get(f"/session/{session_id}"))["is_opened"] is True


async def test_s27_s28_close_and_open_again(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    assert data_of(await client.patch(f"/session/{session_id}", json=CLOSED), 202) is None
    shown = data_of(await client.get(f"/session/{session_id}"))
    assert (shown["is_opened"], shown["end_time"]) == (False, "2026-01-01T12:00:00+00:00")
    assert data_of(await client.patch(f"/session/{session_id}", json=OPENED), 202) is None
    assert data_of(await client.get("/session/open"))["id"] == session_id
    data_of(await client.patch(f"/session/{session_id}", json=CLOSED), 202)
    await open_session(client, start_time=END)
    refused(await client.patch(f"/session/{session_id}", json=OPENED), 409, "session_already_open")


async def test_s29_no_session_ends_before_it_starts(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    early = {"is_opened": False, "end_time": "2026-01-01T09:59:59Z"}
    refused(await client.patch(f"/session/{session_id}", json=early), 422, "invalid_value", "end_time")
    data_of(await client.patch(f"/session/{session_id}", json=CLOSED), 202)
    late = {"start_time": "2026-01-01T12:00:01Z"}
    refused(await client.patch(f"/session/{session_id}", json=late), 422, "invalid_value", "end_time")


async def test_s30_to_s32_changes_of_nothing(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    for one in (session_id, UNKNOWN):
        refused(await client.patch(f"/session/{one}", json={}), 422, "no_fields")  # S30, S31
    refused(await client.patch(f"/session/{UNKNOWN}", json={"is_opened": False}), 404, "not_found")  # S32


async def test_s33_to_s35_values_that_are_none(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    for case, field, value in (("S33", "foo", 1), ("S34", "location", None), ("S35", "is_indoor", None)):
        answer = await client.patch(f"/session/{session_id}", json={field: value})
        assert answer.status_code == 422, case
        refused(answer, 422, field=field)
    (listed,) = data_of(await client.get("/session"))
    assert (listed["location"], listed["is_indoor"]) == ("Hall 1", True)


async def test_s36_to_s38_ids_of_no_session(client: httpx.AsyncClient) -> None:
    refused(await client.get("/session/not-a-uuid"), 422, "uuid_parsing", "id")
    message = refused(await client.get(f"/session/{UNKNOWN}"), 404, "not_found")
    assert message == f"session {UNKNOWN} does not exist"
    refused(await client.delete(f"/session/{UNKNOWN}"), 404, "not_found")


async def test_s39_s40_a_deletion_leaves_the_connection_usable(client: httpx.AsyncClient, service: Service) -> None:
    session_id = await open_session(client)
    deletion = f"DELETE /api/v0/session/{session_id} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n\r\n"
    following = (
        f"GET /api/v0/session/{session_id} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nConnection: close\r\n\r\n"
    )
    both = await service.raw_answer((deletion + following).encode())
    first, _, second = both.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 204 ")
    assert b"content-length" not in first.lower()
    assert second.startswith(b"HTTP/1.1 404 ")
    assert json.loads(second.partition(b"\r\n\r\n")[2])["errors"][0]["code"] == "not_found"
    refused(await client.get(f"/session/{session_id}"), 404, "not_found")


async def test_a_session_keeps_its_other_values(client: httpx.AsyncClient, connection: Connection) -> None:
    session_id = await open_session(client)
    change = {
        "location": "Hall 3",
        "is_indoor": False,
        "arrows_per_end": 3,
        "sighter_ends": 2,
        "start_time": "2026-01-01T09:30:00Z",
    }
    data_of(await client.patch(f"/session/{session_id}", json=change), 202)
    settings = data_of(await client.get(f"/session/{session_id}/settings"))
    assert {name: settings[name] for name in change} == change | {"start_time": "2026-01-01T09:30:00+00:00"}
    assert await connection.fetchval("select array_agg(type order by id) from events") == [
        "session.opened",
        "session.updated",
    ]
