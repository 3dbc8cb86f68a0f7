"""The picture of a lane: sighters and the values that were told before a correction are in it."""

from __future__ import annotations

from typing import Any

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.push.range_rows import Floor
from tests.edge.push.serving import Service, http


async def live(service: Service) -> dict[str, Any]:
    async with http(service) as client:
        told: dict[str, Any] = (await client.get("/api/v0/live?lane=1")).json()["data"]
    return told


async def test_a_corrected_shot_keeps_the_value_that_was_told_before(service: Service, floor: Floor) -> None:
    shot = await floor.shoot(None, None, None, result="pending")
    await floor.revise(shot, None, None, 0, "miss")
    (seen,) = (await live(service))["shots"]
    assert (seen["previous_value"], seen["corrected_at"]) == (
        None,
        None,
    )  # in flight: nothing was told that had to be corrected
    await floor.revise(shot, 500.0, 640.0, 8, "hit")
    (seen,) = (await live(service))["shots"]
    assert seen["previous_value"] == {"result": "miss", "points": 0, "is_x": False}
    corrected_at = seen["corrected_at"]
    await floor.revise(shot, 500.5, 640.0, 8, "hit")
    (seen,) = (await live(service))["shots"]
    assert seen["revision"] == 4
    assert seen["corrected_at"] == corrected_at  # another place, but the same value


@pytest.mark.usefixtures("floor")
async def test_a_session_says_how_many_ends_are_sighters(service: Service, connection: Connection) -> None:
    assert (await live(service))["session"]["sighter_ends"] == 0
    await connection.execute("update sessions set sighter_ends = 2")
    assert (await live(service))["session"]["sighter_ends"] == 2
