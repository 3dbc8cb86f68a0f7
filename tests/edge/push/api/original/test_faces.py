"""Cases F01 to F11 of the original, which inserted faces by SQL: here they have paths of their own."""

from __future__ import annotations

import httpx
import pytest

from tests.edge.push.api.original.answers import UNKNOWN, add_target, data_of, open_session, refused

RADII = [61.0 * ring for ring in range(1, 11)]
POINTS = list(range(10, 0, -1))
FACE: dict[str, object] = {"human_identifier": "A", "x": 610.0, "y": 610.0, "radii": RADII, "points": POINTS}


@pytest.fixture
async def target_id(client: httpx.AsyncClient) -> str:
    """The target of an open session, 1280 mm wide and high."""
    return await add_target(client, await open_session(client))


async def test_f01_a_face_is_stored_as_it_was_sent(client: httpx.AsyncClient, target_id: str) -> None:
    face_id = data_of(await client.post("/face", json=FACE | {"target_id": target_id, "x_radius": 30.5}), 201)
    shown = data_of(await client.get(f"/face/{face_id}"))
    assert shown == FACE | {
        "id": face_id, "target_id": target_id, "x_radius": 30.5, "name": "A", "code": "custom", "version": 1,
    }  # fmt: skip
    assert data_of(await client.get(f"/face?target_id={target_id}")) == [shown]
    assert data_of(await client.get(f"/face?target_id={UNKNOWN}")) == []


async def test_f02_a_name_is_taken_once(client: httpx.AsyncClient, target_id: str) -> None:
    data_of(await client.post("/face", json=FACE | {"target_id": target_id}), 201)
    refused(await client.post("/face", json=FACE | {"target_id": target_id}), 409, "identifier_in_use")
    other = data_of(await client.post("/face", json=FACE | {"target_id": target_id, "human_identifier": "B"}), 201)
    refused(await client.patch(f"/face/{other}", json={"human_identifier": "A"}), 409, "identifier_in_use")


WRONG: dict[str, tuple[dict[str, object], str | None]] = {
    "F03": ({"radii": RADII[:9]}, "points"),
    "F04": ({"x": 1280.0 - 609.0}, None),
    "F06": ({"radii": [], "points": []}, "radii"),
    "F08 negative": ({"radii": [-61.0, *RADII[1:]]}, "radii"),
    "F08 radii": ({"radii": RADII[::-1]}, "radii"),
    "F08 points": ({"points": POINTS[::-1]}, "points"),
    "X ring": ({"x_radius": 62.0}, "x_radius"),
}


async def test_f03_f04_f06_f08_wrong_faces(client: httpx.AsyncClient, target_id: str) -> None:
    for case, (wrong, field) in WRONG.items():
        answer = await client.post("/face", json=FACE | {"target_id": target_id} | wrong)
        assert answer.status_code == 422, case
        refused(answer, 422, field=field)
    refused(await client.post("/face", json=FACE | {"target_id": target_id, "code": "wa_40"}), 422, field="code")
    bare = {"target_id": target_id, "human_identifier": "A", "x": 610, "y": 610}
    refused(await client.post("/face", json=bare), 422, field="radii")
    assert data_of(await client.get("/face")) == []
    assert data_of(await client.get("/session_performance")) == []  # F07: no row can break a list


async def test_f05_a_face_may_touch_the_edge(client: httpx.AsyncClient, target_id: str) -> None:
    data_of(await client.post("/face", json=FACE | {"target_id": target_id, "x": 1280.0 - 610.0}), 201)


async def test_f09_a_face_needs_a_target(client: httpx.AsyncClient) -> None:
    refused(await client.post("/face", json=FACE | {"target_id": UNKNOWN}), 404, "not_found")
    for method in ("GET", "DELETE"):
        refused(await client.request(method, f"/face/{UNKNOWN}"), 404, "not_found")
    refused(await client.patch(f"/face/{UNKNOWN}", json={"x": 1}), 404, "not_found")
    refused(await client.patch(f"/face/{UNKNOWN}", json={}), 422, "no_fields")


async def test_f10_a_targets_faces_go_with_it(client: httpx.AsyncClient, target_id: str) -> None:
    face_id = data_of(await client.post("/face", json=FACE | {"target_id": target_id}), 201)
    assert (await client.delete(f"/target/{target_id}")).status_code == 204
    refused(await client.get(f"/face/{face_id}"), 404, "not_found")


async def test_f11_a_butt_shrinks_to_its_faces_at_most(client: httpx.AsyncClient, target_id: str) -> None:
    data_of(await client.post("/face", json=FACE | {"target_id": target_id}), 201)
    message = refused(await client.patch(f"/target/{target_id}", json={"max_x": 1219.9}), 422, "invalid_value")
    assert message == "face A would not lie wholly on the butt of 1219.9 by 1280 mm"
    data_of(await client.patch(f"/target/{target_id}", json={"max_x": 1220}), 202)


async def test_a_face_by_its_code_and_its_changes(client: httpx.AsyncClient, target_id: str) -> None:
    body = {"target_id": target_id, "human_identifier": "left", "x": 300, "y": 640, "code": "wa_40"}
    face_id = data_of(await client.post("/face", json=body), 201)
    shown = data_of(await client.get(f"/face/{face_id}"))
    assert (shown["radii"][-1], shown["points"][0], shown["x_radius"], shown["code"]) == (200, 10, 10, "wa_40")
    data_of(await client.patch(f"/face/{face_id}", json={"x": 320.25, "x_radius": None}), 202)
    changed = data_of(await client.get(f"/face/{face_id}"))
    assert (changed["x"], changed["x_radius"], changed["code"]) == (320.25, None, "custom")
    refused(await client.patch(f"/face/{face_id}", json={"x": 199}), 422)
    refused(await client.patch(f"/face/{face_id}", json={"target_id": target_id}), 422, field="target_id")
    refused(await client.post("/face", json=body | {"human_identifier": "r", "code": "wa_400"}), 422, "invalid_value")
    assert (await client.delete(f"/face/{face_id}")).status_code == 204
    assert data_of(await client.get("/face")) == []
