"""Opening, ending and closing sessions: the statements behind ``archstats-sensor session``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection

# Instants of a session are told by the clock it was opened with, so that a step of the wall clock moves none of them.
_BY_ITS_OWN_CLOCK = """
case when start_host_boot_id = $4 then start_time + ($3::bigint - start_mono_ns) / 1000 * interval '1 microsecond'
     else greatest($2::timestamptz, start_time) end
"""


@dataclass(frozen=True, slots=True)
class FacePlace:
    """One face (or one spot of a multiple face) on the butt."""

    human_identifier: str
    code: str
    version: int
    x_mm: float
    y_mm: float
    radii_mm: tuple[float, ...]
    points: tuple[int, ...]
    x_radius_mm: float | None


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session is opened with."""

    lane: int
    start: Instant
    location: str
    is_indoor: bool
    arrows_per_end: int
    end_timeout_s: float
    distance_m: float
    butt_width_mm: float
    butt_height_mm: float
    faces: Sequence[FacePlace]
    sighter_ends: int = 0
    """So many ends at the beginning count in no total."""


async def open_session(connection: Connection, new: NewSession) -> UUID:
    """Insert session, target and faces together.

    Raises asyncpg.UniqueViolationError when the lane has an open session already.
    """
    async with connection.transaction():
        session_id: UUID = await connection.fetchval(
            """
            insert into sessions (lane, start_time, start_mono_ns, start_host_boot_id, location, is_indoor, arrows_per_end,
                                  end_timeout_s, sighter_ends)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
            """,
            new.lane,
            new.start.at,
            new.start.mono_ns,
            new.start.host_boot_id,
            new.location,
            new.is_indoor,
            new.arrows_per_end,
            new.end_timeout_s,
            new.sighter_ends,
        )
        target_id: UUID = await connection.fetchval(
            "insert into targets (session_id, max_x, max_y, distance) values ($1, $2, $3, $4) returning id",
            session_id,
            new.butt_width_mm,
            new.butt_height_mm,
            Decimal(str(new.distance_m)),
        )
        await connection.executemany(
            """
            insert into faces (target_id, human_identifier, code, version, x, y, radii, points, x_radius)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                (target_id, f.human_identifier, f.code, f.version, f.x_mm, f.y_mm, f.radii_mm, f.points, f.x_radius_mm)
                for f in new.faces
            ],
        )
    return session_id


async def last_end(connection: Connection, lane: int) -> datetime | None:
    """When the last session of a lane ended; None when none ever did."""
    ended: datetime | None = await connection.fetchval("select max(end_time) from sessions where lane = $1", lane)
    return ended


async def end_end(connection: Connection, lane: int, now: Instant, who: str) -> UUID | None:
    """Mark the end of the lane's end; None when no session is open there."""
    mark: UUID | None = await connection.fetchval(
        """
        insert into end_marks (session_id, at, mono_ns, host_boot_id, who)
        select id, $2, $3, $4, $5 from sessions where lane = $1 and is_opened returning id
        """,
        lane,
        now.at,
        now.mono_ns,
        now.host_boot_id,
        who,
    )
    return mark


async def begin_closing(connection: Connection, lane: int, now: Instant) -> UUID | None:
    """Ask for the session to be closed: arrows in flight still count. None when no session is open on the lane."""
    session_id: UUID | None = await connection.fetchval(
        f"""
        update sessions set
            closing_time = coalesce(closing_time, {_BY_ITS_OWN_CLOCK}),
            closing_mono_ns = case when closing_time is null then $3 else closing_mono_ns end,
            closing_host_boot_id = case when closing_time is null then $4 else closing_host_boot_id end
        where lane = $1 and is_opened returning id
        """,  # noqa: S608 - fixed text
        lane,
        now.at,
        now.mono_ns,
        now.host_boot_id,
    )
    return session_id


async def is_open(connection: Connection, session_id: UUID) -> bool:
    """Whether the session still takes shots, or waits for those in flight."""
    opened: bool | None = await connection.fetchval("select is_opened from sessions where id = $1", session_id)
    return bool(opened)


async def still_closing(connection: Connection, lane: int) -> bool:
    """Whether the lane's open session was asked to close and waits for ``archstats-shots``."""
    closing: bool | None = await connection.fetchval(
        "select closing_time is not null from sessions where lane = $1 and is_opened", lane
    )
    return bool(closing)


async def list_sessions(connection: Connection, limit: int, lanes: Sequence[int] | None = None) -> list[asyncpg.Record]:
    """The newest sessions first (of all lanes, or of some), each with its face and the arrows and points that the live page counts.

    Neither sighters nor arrows too many are part of it; an arrow that is not decided counts as an arrow without points.
    """
    return await connection.fetch(
        """
        select s.id, s.lane, s.is_opened, s.closing_time, s.start_time, s.end_time, s.location, s.is_indoor,
               t.distance, (select min(f.code) from faces f where f.target_id = t.id) as face, count(h.id) as arrows,
               coalesce(sum(h.points) filter (where h.result in ('hit', 'off_face', 'off_view', 'miss')), 0)::integer as points
        from sessions s
        left join targets t on t.session_id = s.id
        left join shots h on h.session_id = s.id and coalesce(h.end_number > s.sighter_ends, true)
            and h.result not in ('void', 'not_shot') and not h.flags && '{extra,same_spot}'
        where $2::integer[] is null or s.lane = any($2)
        group by s.id, t.id
        order by s.start_time desc, s.lane limit $1
        """,
        limit,
        lanes,
    )


async def close_abandoned(connection: Connection, location: str, now: Instant) -> int:
    """Close what a simulated range that was killed left open; tells how many."""
    done = await connection.execute(
        f"""
        update sessions set
            is_opened = false,
            end_time = coalesce(closing_time, {_BY_ITS_OWN_CLOCK}),
            closing_time = coalesce(closing_time, {_BY_ITS_OWN_CLOCK}),
            closing_mono_ns = case when closing_time is null then $3 else closing_mono_ns end,
            closing_host_boot_id = case when closing_time is null then $4 else closing_host_boot_id end
        where is_opened and location = $1
        """,  # noqa: S608 - fixed text
        location,
        now.at,
        now.mono_ns,
        now.host_boot_id,
    )
    return int(done.split()[-1])
