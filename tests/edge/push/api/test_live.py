"""The snapshot of a lane includes sighters and the value before a correction."""

from __future__ import annotations

from typing import Any

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import OUTDOORS, LaneRows
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_shot, revise_shot


async def live(service: Service) -> dict[str, Any]:
    async with http(service) as client:
        snapshot: dict[str, Any] = (await client.get("/api/v0/live?lane=1")).json()["data"]
    return snapshot


async def test_a_corrected_shot_keeps_its_previous_value(service: Service, lane: LaneRows) -> None:
    shot = await add_shot(lane, None, None, None, result="pending")
    await revise_shot(lane, shot, None, None, 0, "miss")
    (seen,) = (await live(service))["shots"]
    assert (seen["previous_value"], seen["corrected_at"]) == (None, None)  # in flight: it had no value to correct
    await revise_shot(lane, shot, 500.0, 640.0, 8, "hit")
    (seen,) = (await live(service))["shots"]
    assert seen["previous_value"] == {"result": "miss", "points": 0, "is_x": False}
    corrected_at = seen["corrected_at"]
    await revise_shot(lane, shot, 500.5, 640.0, 8, "hit")
    (seen,) = (await live(service))["shots"]
    assert seen["revision"] == 4
    assert seen["corrected_at"] == corrected_at  # moved, with the same value


@pytest.mark.usefixtures("lane")
async def test_a_session_includes_its_number_of_sighter_ends(service: Service, connection: Connection) -> None:
    assert (await live(service))["session"]["sighter_ends"] == 0
    await connection.execute("update sessions set sighter_ends = 2")
    assert (await live(service))["session"]["sighter_ends"] == 2


async def test_all_lanes_are_one_answer_of_one_instant(
    service: Service, lane: LaneRows, connection: Connection
) -> None:
    other = LaneRows(connection, OUTDOORS, lane.number + 1)
    await other.build()
    await add_shot(lane)
    await add_shot(other)
    await add_shot(other)
    async with http(service, "/api/v0") as client:
        answer = (await client.get("/live/all")).json()["data"]
        each = [(await client.get(f"/live?lane={one.number}")).json()["data"] for one in (lane, other)]
        assert (await client.get("/live/all?lane=1")).status_code == 422
    assert set(answer) == {"as_of", "now", "lanes", "ranges", "devices"}
    assert [one["lane"] for one in answer["ranges"]] == [lane.number, other.number]
    assert [len(one["shots"]) for one in answer["ranges"]] == [1, 2]
    for one, alone in zip(answer["ranges"], each, strict=True):
        assert set(alone) == set(one) | {"as_of", "now", "lanes", "devices", "orphans_command"}
        assert {name: alone[name] for name in one} == one
    assert {device["id"] for device in answer["devices"]} == {*lane.devices, *other.devices}


async def test_an_empty_database_has_one_empty_lane(service: Service) -> None:
    async with http(service, "/api/v0") as client:
        answer = (await client.get("/live/all")).json()["data"]
    assert (answer["lanes"], answer["devices"]) == ([], [])
    assert [(one["lane"], one["session"], one["shots"]) for one in answer["ranges"]] == [(1, None, [])]


async def test_a_large_snapshot_is_compressed(service: Service, lane: LaneRows) -> None:
    for _ in range(5):
        await add_shot(lane)
    async with http(service, "/api/v0") as client:
        packed = await client.get("/live", headers={"accept-encoding": "gzip"})
        plain = await client.get("/live", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert packed.json()["data"]["shots"] == plain.json()["data"]["shots"]
