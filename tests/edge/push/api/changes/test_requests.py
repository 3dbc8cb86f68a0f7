"""Requests that would be misread: they are refused, with the place of the fault."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.edge.push.api.original.answers import UNKNOWN, add_target, data_of, open_session, refused
from tests.edge.push.crowd import answer
from tests.edge.push.serving import Service

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "path", ["session", "target", "face", "archer", "slot", "arrow", "shot", "orphan", "calibration"]
)
async def test_a_page_after_no_row_is_refused(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(f"/{path}?after={UNKNOWN}"), 422, "invalid_value", "after")


async def test_a_page_after_a_deleted_row_is_refused(client: httpx.AsyncClient) -> None:
    archer = data_of(await client.post("/archer", json={"name": "Kim"}), 201)
    assert data_of(await client.get(f"/archer?after={archer}")) == []
    assert (await client.delete(f"/archer/{archer}")).status_code == 204
    refused(await client.get(f"/archer?after={archer}"), 422, "invalid_value", "after")
    refused(await client.get("/command?after=7"), 422, "invalid_value", "after")


async def test_the_word_null_is_a_text_where_no_value_may_miss(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client, location="null")
    assert [one["id"] for one in data_of(await client.get("/session?location=null"))] == [session_id]
    assert [one["id"] for one in data_of(await client.get("/session?end_time=null"))] == [session_id]


async def test_a_distance_is_kept_as_it_was_sent(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    for distance in (18.28849, 999.9999, 1000, 0.999):
        body = {"max_x": 1280, "max_y": 1280, "distance": distance, "session_id": session_id}
        refused(await client.post("/target", json=body), 422, field="distance")
    opening = {"lane": 2, "distance_m": 18.28849, "faces": ["wa_40"]}
    refused(await client.post("/session/open", json=opening), 422, "value_error", "distance_m")
    path = f"/target/{await add_target(client, session_id, distance=999.999, max_x=1280.0625)}"
    refused(await client.patch(path, json={"distance": 18.2881}), 422, "value_error", "distance")
    shown = data_of(await client.get(path))
    assert (shown["distance"], shown["max_x"]) == (999.999, 1280.0625)
    data_of(await client.patch(path, json={"distance": 18.288}), 202)
    assert data_of(await client.get(path))["distance"] == 18.288


async def test_a_member_counts_once(client: httpx.AsyncClient) -> None:
    refused(await client.post("/archer", content=b'{"name":"Kim","name":"Lee"}', headers=JSON), 422, "doubled", "name")
    content = '{"distance_m": 18, "faces": ["wa_40"], "slots": [{"letter": "A", "letter": "B"}]}'
    refused(await client.post("/session/open", content=content, headers=JSON), 422, "doubled", "letter")
    deep = b'{"name":' + b"[" * 30_000
    refused(await client.post("/archer", content=deep, headers=JSON), 422)
    assert data_of(await client.get("/archer")) == data_of(await client.get("/session")) == []


async def test_text_is_utf_8(client: httpx.AsyncClient) -> None:
    refused(await client.get("/archer?name=%ff"), 422, "invalid_encoding")
    headers = {"archstats-operator": "Kim%ff"}
    refused(await client.post("/archer", json={"name": "Kim"}, headers=headers), 422, "invalid_operator")
    data_of(await client.post("/archer", json={"name": "Kim"}, headers={"archstats-operator": "M%C3%BCller"}), 201)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (b"Origin: http://127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: 14\r\n", 403, "other_origin"),
        (b"Content-Length: 14\r\nTransfer-Encoding: chunked\r\n", 400, "invalid_request"),
    ],
    ids=["origins", "lengths"],
)
async def test_two_headers_that_contradict(service: Service, headers: bytes, status: int, code: str) -> None:
    head = b"POST /api/v0/archer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    found, body = await answer(service.port, head + headers + b'\r\n{"name":"Kim"}')
    assert (found, json.loads(body)["errors"][0]["code"]) == (status, code)
