"""Two operators who edit the same row: the second one learns what changed, and loses nothing."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx

from tests.edge.push.api.original.answers import add_target, data_of, open_session, refused

END = "2026-01-01T12:00:00Z"
CLOSED = {"is_opened": False, "end_time": END}
OPENED = {"is_opened": True, "end_time": None}


async def tag_of(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """The condition that a row is as it is now."""
    return {"if-match": (await client.get(path)).headers["etag"]}


async def test_the_second_of_two_operators_gets_412(client: httpx.AsyncClient) -> None:
    path = f"/session/{await open_session(client)}"
    seen = await tag_of(client, path)
    assert await tag_of(client, f"{path}/settings") == await tag_of(client, "/session/open") == seen
    data_of(await client.patch(path, json={"location": "Hall 2", "sighter_ends": 1}, headers=seen), 202)
    answer = await client.patch(path, json={"location": "Hall 3"}, headers=seen)
    assert answer.status_code == 412
    envelope = answer.json()
    messages = {one["message"] for one in envelope["errors"]}
    assert messages == {
        'location was changed meanwhile: it is now "Hall 2"',
        "sighter_ends was changed meanwhile: it is now 1",
    }
    assert {one["code"] for one in envelope["errors"]} == {"changed_meanwhile"}
    assert (envelope["data"]["location"], envelope["data"]["sighter_ends"]) == ("Hall 2", 1)
    assert answer.headers["etag"] == (await client.get(path)).headers["etag"]
    data_of(await client.patch(path, json={"location": "Hall 3"}, headers=await tag_of(client, path)), 202)
    data_of(await client.patch(path, json={"location": "Hall 4"}, headers={"if-match": "*"}), 202)
    data_of(await client.patch(path, json={"location": "Hall 5"}), 202)
    refused(await client.patch(path, json={"location": "Hall 6"}, headers={"if-match": "no tag"}), 400)


async def test_of_two_at_the_same_time_one_wins(client: httpx.AsyncClient) -> None:
    path = f"/session/{await open_session(client)}"
    seen = await tag_of(client, path)
    names = [f"Field {number}" for number in range(4)]  # none is the present one, whose change would change nothing
    answers = await asyncio.gather(*(client.patch(path, json={"location": name}, headers=seen) for name in names))
    assert sorted(answer.status_code for answer in answers) == [202, 412, 412, 412]
    (winner,) = [name for name, answer in zip(names, answers, strict=True) if answer.status_code == 202]
    assert data_of(await client.get(path))["location"] == winner


async def test_the_second_of_two_closings_gets_409(client: httpx.AsyncClient) -> None:
    path = f"/session/{await open_session(client)}"
    data_of(await client.patch(path, json=CLOSED), 202)
    data_of(await client.patch(path, json=CLOSED), 202)  # the same closing once more changes nothing
    later = CLOSED | {"end_time": "2026-01-01T13:00:00Z"}
    message = refused(await client.patch(path, json=later), 409, "session_not_open")
    assert "was closed at" in message
    for action in ("end", "close"):
        refused(await client.post(f"{path}/{action}"), 409, "session_not_open")
    data_of(await client.patch(path, json={"end_time": later["end_time"]}), 202)
    assert data_of(await client.get(path))["end_time"] == "2026-01-01T13:00:00+00:00"


async def test_opening_again_beside_another_session_gets_409(client: httpx.AsyncClient) -> None:
    first = f"/session/{await open_session(client)}"
    data_of(await client.patch(first, json=CLOSED), 202)
    second = f"/session/{await open_session(client, start_time=END)}"
    refused(await client.patch(first, json=OPENED), 409, "session_already_open")
    data_of(await client.patch(second, json={"is_opened": False, "end_time": "2026-01-01T13:00:00Z"}), 202)
    message = refused(await client.patch(first, json=OPENED), 409, "refused")
    assert "a later session of lane 1 began at" in message
    data_of(await client.patch(second, json=OPENED), 202)
    data_of(await client.patch(second, json=OPENED), 202)  # it is open


async def test_targets_faces_slots_and_archers_have_tags(client: httpx.AsyncClient) -> None:
    target = f"/target/{await add_target(client, await open_session(client))}"
    body = {"target_id": target.rpartition("/")[2], "human_identifier": "A", "x": 640, "y": 640, "code": "wa_40"}
    face = f"/face/{data_of(await client.post('/face', json=body), 201)}"
    archer = f"/archer/{data_of(await client.post('/archer', json={'name': 'Kim'}), 201)}"
    opening = {"lane": 2, "distance_m": 18, "faces": ["wa_40"], "slots": [{"letter": "A", "archer": "Lee"}]}
    session_id = data_of(await client.post("/session/open", json=opening), 201)
    (one,) = data_of(await client.get(f"/slot?session_id={session_id}"))
    changes: dict[str, tuple[dict[str, object], str]] = {
        target: ({"distance": 30}, "distance was changed meanwhile: it is now 30.0"),
        face: ({"x": 641.5}, "x was changed meanwhile: it is now 641.5"),
        archer: ({"name": "Kim L."}, 'name was changed meanwhile: it is now "Kim L."'),
        f"/slot/{one['id']}": ({"archer_id": None}, "archer_id was changed meanwhile: it is now empty"),
    }
    for path, (change, message) in changes.items():
        seen = await tag_of(client, path)
        data_of(await client.patch(path, json=change, headers=seen), 202)
        assert message in refused(await client.patch(path, json=change, headers=seen), 412, "changed_meanwhile")


async def test_what_was_seen_is_deleted(client: httpx.AsyncClient) -> None:
    session = f"/session/{await open_session(client)}"
    target = f"/target/{await add_target(client, session.rpartition('/')[2])}"
    place = {"target_id": target.rpartition("/")[2], "human_identifier": "A", "x": 640, "y": 640, "code": "wa_40"}
    face = f"/face/{data_of(await client.post('/face', json=place), 201)}"
    archer = f"/archer/{data_of(await client.post('/archer', json={'name': 'Kim'}), 201)}"
    new = {"id": str(uuid4()), "human_identifier": "A1", "length": 70, "is_programmed": False}
    arrow = f"/arrow/{data_of(await client.post('/arrow', json=new), 201)}"
    changes: dict[str, dict[str, object]] = {
        face: {"x": 641}, target: {"distance": 30}, session: {"location": "Hall 2"}, archer: {"name": "Kim L."},
        arrow: {"length": 71},
    }  # fmt: skip
    for path, change in changes.items():
        seen = await tag_of(client, path)
        changed = await client.patch(path, json=change, headers=seen)
        now = {"if-match": changed.headers["etag"]}
        assert now == await tag_of(client, path) != seen
        refused(await client.delete(path, headers=seen), 412, "changed_meanwhile")
        for action in {arrow: ("void", "restore", "program"), session: ("end", "close")}.get(path, ()):
            body = {"void": {"reason": "cracked"}, "program": {}}.get(action)
            refused(await client.post(f"{path}/{action}", json=body, headers=seen), 412, "changed_meanwhile")
        assert (await client.delete(path, headers=now)).status_code == 204


async def test_a_condition_on_no_row_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"if-match": '"1"'}
    refused(await client.post("/archer", json={"name": "Kim"}, headers=headers), 400, "invalid_header")
    refused(await client.post("/session/open", json={"distance_m": 18, "faces": ["wa_40"]}, headers=headers), 400)
    assert data_of(await client.get("/archer")) == data_of(await client.get("/session")) == []
