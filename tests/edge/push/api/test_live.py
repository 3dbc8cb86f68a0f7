"""The snapshot of a lane includes sighters and the value before a correction."""

from __future__ import annotations

from typing import Any

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import LaneRows
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
