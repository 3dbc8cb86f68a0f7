"""Shots and orphans of a lane, written without an assembler."""

from __future__ import annotations

import uuid

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import CENTRE_MM, LaneRows

APART_S = 30.0
"""Time between a shot or orphan and the next one."""
FLIGHT_S = 1.25


async def add_shot(
    lane: LaneRows,
    x: float | None = CENTRE_MM,
    y: float | None = CENTRE_MM,
    points: int | None = 10,
    *,
    result: str = "hit",
    is_x: bool = False,
    launch_mps: float | None = None,
    connection: Connection | None = None,
) -> uuid.UUID:
    """Store a release and the shot made of it, and return the id of the shot."""
    released = _next_t(lane)
    seq = await lane.add_reading(lane.bow, "release", released, on=connection, tag=None)
    shot_id = uuid.uuid4()
    flight = FLIGHT_S if x is not None else None
    await (connection or lane.connection).execute(
        """
        insert into shots (id, session_id, lane, end_number, arrow_engage_time, arrow_disengage_time,
            arrow_landing_time, x, y, result, points, is_x, face_id, face_version, rule_version, time_source,
            tof_s, speed_mps, release_device_id, release_stream_id, release_seq, launch_mps)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, 1, 'both', $14, $15, $16, $17, $18, $19)
        """,
        shot_id,
        lane.session_id,
        lane.number,
        round(released / APART_S - 1) // 6 + 1,
        lane.at(released - 4),
        lane.at(released),
        lane.at(released + flight) if flight else None,
        x,
        y,
        result,
        points,
        is_x,
        lane.face_id if result == "hit" else None,
        flight,
        lane.session.distance_m / flight if flight else None,
        lane.bow,
        lane.streams[lane.bow],
        seq,
        launch_mps,
    )
    return shot_id


async def revise_shot(
    lane: LaneRows, shot_id: uuid.UUID, x: float | None, y: float | None, points: int | None, result: str
) -> None:
    """Write another result of a shot, as the assembler does after a late reading."""
    await lane.connection.execute(
        """
        update shots set x = $2, y = $3, points = $4, result = $5, revision = revision + 1,
            arrow_landing_time = case when $2::float8 is null then null else arrow_disengage_time + interval '1.3 s' end,
            tof_s = case when $2::float8 is null then null else 1.3 end,
            flags = case when $5 = 'void' then '{superseded}'::text[] else flags end,
            void_reason = case when $5 = 'void' then 'no longer results from the readings' end
        where id = $1
        """,
        shot_id,
        x,
        y,
        points,
        result,
    )


async def add_orphan(lane: LaneRows, x: float | None, y: float | None) -> uuid.UUID:
    """Store a landing that no release explains, and return the id of its orphan."""
    seq = await lane.add_reading(lane.target, "landing", _next_t(lane), tag=None, x_mm=x, y_mm=y)
    orphan_id = uuid.uuid4()
    await lane.connection.execute(
        """
        insert into orphans (id, session_id, lane, device_id, stream_id, seq, status, x, y)
        values ($1, $2, $3, $4, $5, $6, 'open', $7, $8)
        """,
        orphan_id,
        lane.session_id,
        lane.number,
        lane.target,
        lane.streams[lane.target],
        seq,
        x,
        y,
    )
    return orphan_id


def _next_t(lane: LaneRows) -> float:
    return APART_S * (sum(lane.seqs.values()) + 1)
