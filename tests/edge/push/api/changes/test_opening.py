"""A session in one step, proposed from the lane's last one; archers and their slots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from edge.common.postgres.connection import Connection
from edge.operator.records import session_change
from tests.edge.lane_rows import LaneRows
from tests.edge.push.api.original.answers import UNKNOWN, data_of, open_session, refused

OPENING: dict[str, Any] = {
    "lane": 2,
    "distance_m": 18,
    "faces": ["left=wa_40@320,620", "right=wa_40@920,620"],
    "location": "Hall 2",
    "is_indoor": True,
    "arrows_per_end": 3,
    "sighter_ends": 1,
    "rules": "wa_x11",
    "slots": [
        {"letter": "A", "archer": "Kim", "bow_device_id": None, "face": "left"},
        {"letter": "B", "archer": "Lee, Park", "bow_device_id": None, "face": "right"},
    ],
    "butt_width_mm": None,
    "butt_height_mm": None,
}


async def test_a_session_opens_like_the_lanes_last_one(client: httpx.AsyncClient) -> None:
    usual = data_of(await client.get("/session/prefill"))
    assert (usual["lane"], usual["faces"], usual["distance_m"], usual["slots"]) == (1, ["wa_40"], 18, [])
    assert {"wa_40", "wa_122"} <= set(usual["face_codes"])
    session_id = data_of(await client.post("/session/open", json=OPENING), 201)
    closing = data_of(await client.post(f"/session/{session_id}/close"), 202)
    assert closing == {"state": "closed"}
    proposal = data_of(await client.get("/session/prefill?lane=2"))
    choices = {name: proposal.pop(name) for name in ("face_codes", "rule_sets", "bows", "archers")}
    assert proposal == OPENING
    assert (choices["rule_sets"], choices["bows"], choices["archers"]) == (["wa", "wa_x11"], [], ["Kim", "Lee, Park"])
    again = data_of(await client.post("/session/open", json=proposal), 201)
    settings = data_of(await client.get(f"/session/{again}/settings"))
    assert (settings["rule_set"], settings["sighter_ends"], settings["closing_time"]) == ("wa_x11", 1, None)
    (target,) = data_of(await client.get(f"/target?session_id={again}"))
    faces = data_of(await client.get(f"/face?target_id={target['id']}"))
    assert [(one["name"], one["x"]) for one in faces] == [("left", 320), ("right", 920)]
    assert [one["letter"] for one in data_of(await client.get(f"/slot?session_id={again}"))] == ["A", "B"]


async def test_wrong_openings_open_nothing(client: httpx.AsyncClient) -> None:
    for wrong, field in (
        ({"faces": []}, "faces"),
        ({"distance_m": 0}, "distance_m"),
        ({"slots": [{"letter": "E"}]}, "letter"),
        ({"slots": [{"letter": "A"}, {"letter": "A", "face": "left"}]}, None),
        ({"slots": [{"letter": "A", "face": "middle"}]}, None),
        ({"faces": ["wa_400"]}, None),
        ({"rules": "none"}, None),
    ):
        refused(await client.post("/session/open", json=OPENING | wrong), 422, field=field)
    bow = {"slots": [{"letter": "A", "face": "left", "bow_device_id": "bow-9"}]}
    assert "is no bow of lane 2" in refused(await client.post("/session/open", json=OPENING | bow), 409)
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert "lies in the future" in refused(await client.post("/session/open", json=OPENING | {"since": future}), 409)
    assert data_of(await client.get("/session")) == []


async def test_a_session_begins_after_the_lanes_last_one(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    data_of(
        await client.patch(f"/session/{session_id}", json={"is_opened": False, "end_time": "2026-01-01T12:00:00Z"}), 202
    )
    early = OPENING | {"lane": 1, "since": "2026-01-01T11:59:59Z"}
    assert "ended at" in refused(await client.post("/session/open", json=early), 409, "refused")
    body = {"is_opened": True, "start_time": "2026-01-01T11:59:59Z", "location": "Hall"}
    assert "ended at" in refused(await client.post("/session", json=body), 409, "refused")
    data_of(await client.post("/session/open", json=early | {"since": "2026-01-01T12:00:00Z"}), 201)
    refused(await client.post("/session/open", json=OPENING | {"lane": 1}), 409, "session_already_open")
    future = {"start_time": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    assert "lies in the future" in refused(await client.post("/session", json=body | future | {"lane": 3}), 409)


async def test_an_end_is_marked_with_who_did_it(client: httpx.AsyncClient, connection: Connection) -> None:
    session_id = await open_session(client)
    kim = {"archstats-operator": "Kim%20S%C3%A1"}
    assert data_of(await client.post(f"/session/{session_id}/end", headers=kim), 202) is None
    assert await connection.fetchval("select who from end_marks where session_id = $1", session_id) == "Kim Sá"
    refused(await client.post(f"/session/{UNKNOWN}/end"), 404, "not_found")
    other = {"if-match": '"2"'}
    assert "the current end is number 1" in refused(
        await client.post(f"/session/{session_id}/end", headers=other), 412, "changed_meanwhile"
    )
    data_of(await client.post(f"/session/{session_id}/end", headers=kim | {"if-match": '"1"'}), 202)
    assert await connection.fetchval("select count(*) from end_marks") == 2
    refused(await client.post(f"/session/{session_id}/end", json={"bogus": 1}), 422, "no_body")


async def test_a_session_with_ends_on_paper_is_not_deleted(client: httpx.AsyncClient) -> None:
    session_id = data_of(await client.post("/session/open", json=OPENING | {"slots": []}), 201)
    paper = {"end_number": 1, "values": ["9", "9", "M"]}
    data_of(await client.post(f"/session/{session_id}/paper", json=paper), 201)
    assert "ends on paper" in refused(await client.delete(f"/session/{session_id}"), 409, "in_use")


async def test_a_lane_with_devices_closes_by_the_assembler(
    client: httpx.AsyncClient, lane: LaneRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_change, "CLOSED_WITHIN_S", 0.1)
    path = f"/session/{lane.session_id}"
    assert data_of(await client.post(f"{path}/close"), 202) == {"state": "closing"}
    settings = data_of(await client.get(f"{path}/settings"))
    assert (settings["is_opened"], settings["closing_time"] is None) == (True, False)
    closed = {"is_opened": False, "end_time": "2026-01-01T11:00:00Z"}
    refused(await client.patch(path, json=closed), 409, "session_not_open")
    data_of(await client.patch(path, json={"is_opened": True, "end_time": None}), 202)  # the request is withdrawn
    settings = data_of(await client.get(f"{path}/settings"))
    assert (settings["is_opened"], settings["closing_time"]) == (True, None)


async def test_archers_are_entered_renamed_and_deleted(client: httpx.AsyncClient) -> None:
    kim = data_of(await client.post("/archer", json={"name": "  Kim   L. "}), 201)
    assert data_of(await client.get(f"/archer/{kim}")) == {"id": kim, "name": "Kim L."}
    refused(await client.post("/archer", json={"name": "Kim L."}), 409, "already_exists")
    for name in ("", "  ", 7, None, "x" * 101):
        refused(await client.post("/archer", json={"name": name}), 422, field="name")
    data_of(await client.post("/session/open", json=OPENING), 201)
    archers = {one["name"]: one["id"] for one in data_of(await client.get("/archer"))}
    assert list(archers) == ["Kim", "Kim L.", "Lee, Park"]
    first = await client.get("/archer?limit=1")
    assert [one["name"] for one in data_of(await client.get(first.links["next"]["url"].removeprefix("/api/v0")))] == [
        "Kim L."
    ]
    refused(await client.patch(f"/archer/{kim}", json={"name": "Kim"}), 409, "already_exists")
    data_of(await client.patch(f"/archer/{archers['Kim']}", json={"name": "Kim P."}), 202)
    assert data_of(await client.get("/archer?name=Kim%20P.")) == [{"id": archers["Kim"], "name": "Kim P."}]
    refused(await client.delete(f"/archer/{archers['Kim']}"), 409, "in_use")
    assert (await client.delete(f"/archer/{kim}")).status_code == 204
    refused(await client.get(f"/archer/{kim}"), 404, "not_found")


async def test_slots_take_another_archer_bow_and_face(client: httpx.AsyncClient, connection: Connection) -> None:
    await connection.execute(
        "insert into devices (id, kind, driver, lane) values ('bow-2', 'bow', 'bow.link', 2), ('bow-3', 'bow', 'bow.link', 3)"
    )
    session_id = data_of(await client.post("/session/open", json=OPENING), 201)
    a, b = data_of(await client.get(f"/slot?session_id={session_id}"))
    refused(await client.patch(f"/slot/{a['id']}", json={}), 422, "no_fields")
    refused(await client.patch(f"/slot/{UNKNOWN}", json={"face": "left"}), 404, "not_found")
    refused(await client.patch(f"/slot/{a['id']}", json={"face": None}), 422, field="face")
    refused(await client.patch(f"/slot/{a['id']}", json={"face": "middle"}), 422, "invalid_value", "face")
    refused(await client.patch(f"/slot/{a['id']}", json={"bow_device_id": "bow-3"}), 409)
    refused(await client.patch(f"/slot/{a['id']}", json={"archer_id": b["archer_id"]}), 409, "in_use")
    refused(await client.patch(f"/slot/{a['id']}", json={"archer_id": UNKNOWN}), 422, "invalid_value", "archer_id")
    data_of(await client.patch(f"/slot/{a['id']}", json={"bow_device_id": "bow-2", "face": "right"}), 202)
    refused(await client.patch(f"/slot/{b['id']}", json={"bow_device_id": "bow-2"}), 409, "in_use")
    data_of(await client.patch(f"/slot/{a['id']}", json={"archer_id": None}), 202)
    shown = data_of(await client.get(f"/slot/{a['id']}"))
    assert shown == a | {"bow_device_id": "bow-2", "face": "right", "archer_id": None}
    assert data_of(await client.get("/slot?archer_id=null")) == [shown]
    assert data_of(await client.get("/slot?bow_device_id=null")) == [b]
    (target,) = data_of(await client.get(f"/target?session_id={session_id}"))
    refused(await client.delete(f"/target/{target['id']}"), 409, "in_use")
