"""Closed sessions of several archers, written without an assembler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from tests.edge.lane_rows import CENTRE_MM, LaneRows
from tests.edge.shot_rows import add_shot

Values = Sequence[int | None]
"""Points of each arrow, None for one that is not known."""


async def add_session(lane: LaneRows, archers: Mapping[str, Values]) -> UUID:
    """Close the lane's session and add a closed one, a day later, in which each archer shot these values."""
    connection = lane.connection
    await close_session(lane)
    lane.session_id, lane.face_id = uuid4(), uuid4()
    lane.start += timedelta(days=1)
    await lane.open_session()
    for letter, (name, values) in zip("ABCD", archers.items(), strict=False):
        await connection.execute("insert into archers (name) values ($1) on conflict do nothing", name)
        slot = await connection.fetchval(
            "insert into slots (session_id, letter, face, archer_id) values ($1, $2, '1', (select id from archers where name = $3)) "
            "returning id",
            lane.session_id, letter, name,
        )  # fmt: skip
        for number, points in enumerate(values):
            place = None if points is None else CENTRE_MM + 10.0 * (number % 3)
            shot = await add_shot(lane, place, place, points, result="unknown" if points is None else "hit")
            await connection.execute(
                "update shots set slot_id = $2, end_number = $3 where id = $1", shot, slot, number // 3 + 1
            )
    await close_session(lane)
    return lane.session_id


async def close_session(lane: LaneRows) -> None:
    """Close the lane's session, if it is open."""
    await lane.connection.execute(
        "update sessions set is_opened = false, end_time = start_time + interval '1 hour', "
        "closing_time = start_time + interval '1 hour' where id = $1 and is_opened",
        lane.session_id,
    )
