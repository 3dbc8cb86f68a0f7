"""The copy of the devices' states that a hub keeps for the centre."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.edge.lane_rows import LaneRows
from tests.edge.operator.replication.test_refusals import make_hub

BEAT = "update device_status set updated_at = clock_timestamp() where device_id = $1"
AGE = "select clock_timestamp() - updated_at from device_states where device_id = $1"


@pytest.mark.parametrize(
    ("copied_ago_s", "is_renewed"), [(10, False), (31, True), (-3600, True)], ids=["recent", "old", "clock set back"]
)
async def test_state_is_copied_every_30_s(lane: LaneRows, *, copied_ago_s: int, is_renewed: bool) -> None:
    await make_hub(lane.connection, 3)
    ago = timedelta(seconds=copied_ago_s)
    await lane.connection.execute("update device_states set updated_at = clock_timestamp() - $1::interval", ago)
    await lane.connection.execute(BEAT, lane.bow)
    age = await lane.connection.fetchval(AGE, lane.bow)
    assert (timedelta(0) <= age < timedelta(seconds=5)) is is_renewed
