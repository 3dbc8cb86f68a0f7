"""Cases T01 to T29 of the original, with the answers of this API."""

from __future__ import annotations

from uuid import UUID

import httpx

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel
from edge.operator.calibration.activation import activate
from edge.operator.calibration.records import NewCalibration, append_calibration
from tests.edge.lane_rows import LaneRows
from tests.edge.push.api.original.answers import UNKNOWN, add_target, data_of, open_session, refused
from tests.edge.shot_rows import add_shot

BODY: dict[str, object] = {"max_x": 1220.5, "max_y": 1280.0, "distance": 70}


async def test_t01_to_t06_a_target_is_shown_and_found(client: httpx.AsyncClient) -> None:
    assert data_of(await client.get("/target")) == []  # T01
    session_id = await open_session(client)
    target_id = data_of(await client.post("/target", json=BODY | {"session_id": session_id}), 201)
    assert str(UUID(target_id)) == target_id  # T02
    shown = data_of(await client.get(f"/target/{target_id}"))
    assert shown == BODY | {"id": target_id, "session_id": session_id}  # T03
    for path in (f"?session_id={session_id}", f"/session-id/{session_id}", "?max_x=1220.5", "?distance=70&max_y=1280"):
        assert data_of(await client.get(f"/target{path}")) == [shown], path  # T04, T05, T06
    assert data_of(await client.get(f"/target/session-id/{UNKNOWN}")) == []
    assert data_of(await client.get("/target?max_x=1220.25")) == []


async def test_targets_are_paged_in_the_order_of_sessions(client: httpx.AsyncClient) -> None:
    ids = [await add_target(client, await open_session(client, lane=lane)) for lane in (1, 2, 3)]
    first = await client.get("/target?limit=2")
    assert [one["id"] for one in data_of(first)] == ids[:2]
    following = data_of(await client.get(first.links["next"]["url"].removeprefix("/api/v0")))
    assert [one["id"] for one in following] == ids[2:]


async def test_t07_to_t14_wrong_bodies_create_nothing(client: httpx.AsyncClient) -> None:
    whole = BODY | {"session_id": await open_session(client)}
    wrong: dict[str, tuple[str, object]] = {
        "T11": ("max_x", "not-a-float"),
        "T12": ("max_y", "not-a-float"),
        "T13": ("session_id", "not-a-uuid"),
        "T14": ("bogus", 1),
        "T22": ("max_x", -1),
    }
    cases = {case: (whole | {field: value}, field) for case, (field, value) in wrong.items()}
    for case, field in (("T07", "max_x"), ("T08", "max_y"), ("T09", "session_id"), ("T10", "distance")):
        cases[case] = ({name: value for name, value in whole.items() if name != field}, field)
    for case, (body, field) in cases.items():
        answer = await client.post("/target", json=body)
        assert answer.status_code == 422, case
        refused(answer, 422, field=field)
    assert data_of(await client.get("/target")) == []


async def test_t15_t16_one_target_for_each_session(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    await add_target(client, session_id)
    refused(await client.post("/target", json=BODY | {"session_id": session_id}), 409, "target_exists")  # T15
    refused(await client.post("/target", json=BODY | {"session_id": UNKNOWN}), 404, "not_found")  # T16


async def test_t17_twenty_yards_are_18_288_metres(client: httpx.AsyncClient) -> None:
    target_id = await add_target(client, await open_session(client), distance=18.288)
    assert data_of(await client.get(f"/target/{target_id}"))["distance"] == 18.288
    assert [one["id"] for one in data_of(await client.get("/target?distance=18.288"))] == [target_id]


async def test_t18_to_t22_changes(client: httpx.AsyncClient) -> None:
    session_id = await open_session(client)
    target_id = await add_target(client, session_id)
    assert data_of(await client.patch(f"/target/{target_id}", json={"max_x": 100}), 202) is None  # T18
    shown = data_of(await client.get(f"/target/{target_id}"))
    assert (shown["max_x"], shown["max_y"], shown["distance"]) == (100, 1280, 18)
    for one in (target_id, UNKNOWN):
        refused(await client.patch(f"/target/{one}", json={}), 422, "no_fields")  # T19
    refused(await client.patch(f"/target/{UNKNOWN}", json=BODY), 404, "not_found")  # T20
    other = await open_session(client, lane=2)
    moved = BODY | {"session_id": other}
    refused(await client.patch(f"/target/{target_id}", json=moved), 422, "extra_forbidden", "session_id")  # T21
    refused(await client.patch(f"/target/{target_id}", json={"max_x": -1}), 422, field="max_x")  # T22
    refused(await client.patch(f"/target/{target_id}", json={"max_x": None}), 422, field="max_x")
    assert data_of(await client.get(f"/target/{target_id}")) == shown


async def test_t23_to_t27_queries_and_ids_of_no_target(client: httpx.AsyncClient) -> None:
    refused(await client.get("/target?session_id=not-a-uuid"), 422, field="session_id")  # T23
    refused(await client.get("/target?max_x=not-a-float"), 422, field="max_x")
    assert data_of(await client.get(f"/target?session_id={UNKNOWN}")) == []  # T24
    refused(await client.get("/target/not-a-uuid"), 422, field="id")  # T25
    refused(await client.get(f"/target/{UNKNOWN}"), 404, "not_found")
    refused(await client.delete(f"/target/{UNKNOWN}"), 404, "not_found")  # T26
    refused(await client.delete("/target/not-a-uuid"), 422, field="id")  # T27


async def test_t28_calibrate_shows_what_was_measured(client: httpx.AsyncClient, lane: LaneRows) -> None:
    (bare,) = data_of(await client.get("/target/calibrate?lane=1"))
    assert (bare["device_id"], bare["calibration_id"], bare["max_x"]) == (lane.target, None, None)
    assert bare["command"] == f"archstats-sensor calibrate target {lane.target}"
    parameters = {
        "xx": 1,
        "xy": 0,
        "yx": 0,
        "yy": 1,
        "x0_mm": 0,
        "y0_mm": 0,
        "butt_width_mm": 1240,
        "butt_height_mm": 1250,
    }
    new = NewCalibration(
        lane.target,
        CalibrationKind.TARGET,
        parameters,
        [],
        "Kim",
        CalibrationModel.SIMILARITY,
        sigma_mm=0.4,
        centre_error_mm=0.1,
    )
    calibration = await append_calibration(lane.connection, new)
    await activate(lane.connection, calibration, "Kim", "measured")
    (measured,) = data_of(await client.get("/target/calibrate"))
    assert (measured["calibration_id"], measured["version"], measured["sigma_mm"]) == (str(calibration.id), 1, 0.4)
    assert (measured["max_x"], measured["max_y"]) == (1240, 1250)
    assert data_of(await client.get("/target/calibrate?lane=2")) == []


async def test_t29_faces_have_a_path(client: httpx.AsyncClient) -> None:
    assert data_of(await client.get("/face")) == []
    refused(await client.get("/faces"), 404, "not_found")


async def test_a_target_with_shots_stays(client: httpx.AsyncClient, lane: LaneRows, connection: Connection) -> None:
    await add_shot(lane, 640.0, 640.0, 1)
    (target,) = data_of(await client.get("/target"))
    for answer in (
        await client.patch(f"/target/{target['id']}", json={"distance": 50}),
        await client.delete(f"/target/{target['id']}"),
        await client.patch(f"/face/{lane.face_id}", json={"x": 641}),
        await client.delete(f"/face/{lane.face_id}"),
        await client.delete(f"/session/{lane.session_id}"),
    ):
        refused(answer, 409, "session_has_shots")
    assert data_of(await client.patch(f"/target/{target['id']}", json={"distance": 70}), 202) is None  # as it is
    assert await connection.fetchval("select count(*) from shots") == 1
