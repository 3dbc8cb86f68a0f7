"""Read a session's facts, and compute its statistics from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Flag, Result
from edge.statistics import FaceFacts, SessionFacts, SessionStatistics, ShotFacts, session_statistics

FIRST_LANE = 1
"""The lane that is meant while there is none."""
_FLAGS = {flag.value: flag for flag in Flag}
"""The flags of this version; at a centre, a hub of a later one may have more, which concern no statistics of this one."""

# The session's row is read with all that its statistics depend on beyond the shots' own rows: each change of a shot raises
# its revision. At a centre the names of arrows are found by hub, too.
_STATE = """
    select s.id, s.lane, s.sighter_ends, t.distance::float8 as distance_m, f.faces, h.shots, h.revisions, h.names
    from sessions s
    left join targets t on t.session_id = s.id
    cross join lateral (
        select coalesce(json_agg(json_build_object('id', id, 'x', x, 'y', y, 'best',
            case when x_radius is not null then coalesce(s.x_points, points[1]) else points[1] end,
            'slots', array(select letter from slots where slots.session_id = s.id and slots.face = faces.name order by letter)
        ) order by human_identifier), '[]')::text as faces from faces where target_id = t.id
    ) f
    cross join lateral (
        select count(*) as shots, coalesce(sum(shots.revision), 0)::bigint as revisions,
            array_agg(distinct arrows.human_identifier) as names
        from shots left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
        where shots.session_id = s.id
    ) h
"""
_LAST_OF_LANE = "select id from sessions where sessions.lane = {} order by is_opened desc, number desc limit 1"
_OF_SESSION = f"{_STATE} where s.id = $1"
_FIRST_LANE = (
    "coalesce($1::integer, (select min(lane) from sessions where is_opened), (select min(lane) from devices), $2)"
)
_OF_LANE = f"{_STATE} where s.id = ({_LAST_OF_LANE.format(_FIRST_LANE)})"
_OF_LANES = f"""
    with recursive used as (
        select min(lane) as lane from sessions
        union all
        select (select min(sessions.lane) from sessions where sessions.lane > used.lane) from used where used.lane is not null
    )
    {_STATE} join (select ({_LAST_OF_LANE.format("used.lane")}) as id from used) last on last.id = s.id order by s.lane
"""  # noqa: S608 - fixed text
_SHOTS = """
    select shots.id, result, points, is_x, flags, end_number, arrow_id, arrow_tag, arrows.human_identifier as arrow_name,
        face_id, x, y, slots.letter as slot
    from shots left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
    left join slots on (slots.id, slots.hub_id) = (shots.slot_id, shots.hub_id)
    where shots.session_id = $1 order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id
"""


@dataclass(frozen=True, slots=True)
class StatisticsState:
    """Everything that the statistics of a session depend on: equal states have equal statistics."""

    session_id: UUID
    lane: int
    sighter_ends: int
    distance_m: float | None
    faces: str
    """The faces as JSON."""
    shots: int
    revisions: int
    """Sum of the shots' revisions, which rises with every change of a shot."""
    names: tuple[str | None, ...]
    """Names of its arrows."""


async def state_of_session(connection: Connection, session_id: UUID) -> StatisticsState | None:
    """The state of a session; None when it does not exist."""
    row = await connection.fetchrow(_OF_SESSION, session_id)
    return None if row is None else _state(row)


async def state_of_lane(connection: Connection, lane: int | None) -> StatisticsState | None:
    """The state of a lane's open session, else of its last one; None when it had none.

    Without a lane it is the first one with an open session, else with devices.
    """
    row = await connection.fetchrow(_OF_LANE, lane, FIRST_LANE)
    return None if row is None else _state(row)


async def states_of_lanes(connection: Connection) -> list[StatisticsState]:
    """The states of every lane's open session, else of its last one, by lane."""
    return [_state(row) for row in await connection.fetch(_OF_LANES)]


async def session_facts(connection: Connection, state: StatisticsState) -> SessionFacts:
    """The facts of a session, to be read in the transaction of its state."""
    faces = tuple(
        FaceFacts(UUID(one["id"]), one["x"], one["y"], one["best"], frozenset(one["slots"]))
        for one in json.loads(state.faces)
    )
    rows = await connection.fetch(_SHOTS, state.session_id)
    return SessionFacts(state.distance_m, state.sighter_ends, faces, tuple(map(_shot, rows)))


async def facts_of_session(connection: Connection, session_id: UUID) -> SessionFacts:
    """The facts of a session; those of one without shots when it does not exist."""
    state = await state_of_session(connection, session_id)
    return SessionFacts(None, 0, (), ()) if state is None else await session_facts(connection, state)


async def read_statistics(
    connection: Connection, session_id: UUID
) -> tuple[StatisticsState, SessionFacts, SessionStatistics] | None:
    """State, facts and statistics of a session, of one instant; None when it does not exist."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        state = await state_of_session(connection, session_id)
        if state is None:
            return None
        facts = await session_facts(connection, state)
    return state, facts, session_statistics(facts)


def _state(row: asyncpg.Record) -> StatisticsState:
    values = {name: row[name] for name in ("lane", "sighter_ends", "distance_m", "faces", "shots", "revisions")}
    return StatisticsState(session_id=row["id"], names=tuple(row["names"] or ()), **values)


def _shot(row: asyncpg.Record) -> ShotFacts:
    return ShotFacts(
        id=row["id"],
        result=Result(row["result"]),
        points=row["points"],
        is_x=row["is_x"],
        flags=frozenset(_FLAGS[name] for name in row["flags"] if name in _FLAGS),
        end_number=row["end_number"],
        arrow_id=row["arrow_id"],
        arrow_tag=row["arrow_tag"],
        arrow_name=row["arrow_name"],
        face_id=row["face_id"],
        x_mm=row["x"],
        y_mm=row["y"],
        slot=row["slot"],
    )
