"""End, close and list sessions. Opening them is in :mod:`edge.operator.opening`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode, SessionClock, SessionState, SlotLetter
from edge.operator.boots import record_this_boot
from edge.operator.opening import command_to_open
from edge.operator.statistics import facts_of_session
from edge.shots.assembly.nockings import expired_nockings
from edge.shots.store.context import load_snapshot
from edge.shots.store.instants import SqlInstant, utc_by_clock_of
from edge.statistics import session_totals

CLOSED_WITHIN_S = 15.0
"""Longest wait for a close: a landing window (3 s) and the time-out of an undecided shot (10 s), with a margin."""
POLL_INTERVAL_S = 0.1
STEPPED_S = 60.0
"""Change of the wall clock since the start of a session from which its times are flagged."""

# A session's instants follow the clock that it was opened with, so that a step of the wall clock moves none of them.
_START = SqlInstant.of_columns("start_time")
_BY_ITS_OWN_CLOCK = f"greatest({utc_by_clock_of(_START, SqlInstant.of_parameters(2))}, start_time)"

_REQUEST_CLOSE = f"""
update sessions set
    closing_time = coalesce(closing_time, {_BY_ITS_OWN_CLOCK}),
    closing_mono_ns = case when closing_time is null then $3 else closing_mono_ns end,
    closing_host_boot_id = case when closing_time is null then $4 else closing_host_boot_id end
where is_opened and
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class SlotTotal:
    """The totals of one archer."""

    letter: SlotLetter
    archer: str | None
    face: str
    """Name of the face on the butt."""
    arrows: int
    points: int


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session with its totals."""

    id: UUID
    lane: int
    is_opened: bool
    closing_time: datetime | None
    """Instant at which closing was requested."""
    start_time: datetime
    end_time: datetime | None
    location: str
    is_indoor: bool
    distance: Decimal | None
    """Metres."""
    face: str | None
    """Code of the face; of several different ones all."""
    arrows: int
    points: int
    clock: SessionClock | None
    """Why its times may be wrong; None where the wall clock was right all along."""
    nockings_expired: int
    """Arrows that were nocked and never released."""
    rule_set: str
    """Code of its rules."""
    slots: Sequence[SlotTotal]
    """Arrows and points of each slot; shots of no slot are in the session's totals alone."""

    @property
    def of_no_slot(self) -> tuple[int, int]:
        """Arrows and points that belong to no slot."""
        return self.arrows - sum(slot.arrows for slot in self.slots), self.points - sum(
            slot.points for slot in self.slots
        )

    @property
    def state(self) -> SessionState:
        """Open until closing was requested; closing until its last arrows are decided."""
        if not self.is_opened:
            return SessionState.CLOSED
        return SessionState.CLOSING if self.closing_time else SessionState.OPEN


async def mark_end(connection: Connection, lanes: Sequence[int], now: Instant, who: str) -> Mapping[int, UUID]:
    """Close the current end on each lane, or on none; returns the ids of the marks by lane.

    Raises CommandError when a lane has no open session.
    """
    marks: dict[int, UUID] = {}
    await record_this_boot(connection)
    async with connection.transaction():
        for lane in sorted(lanes):  # in one order, so that two commands never deadlock
            mark: UUID | None = await connection.fetchval(
                """
                insert into end_marks (session_id, at, mono_ns, host_boot_id, who)
                select id, $2, $3, $4, $5 from sessions where lane = $1 and is_opened returning id
                """,
                lane,
                *now.columns,
                who,
            )
            if mark is None:
                raise await no_open_session(connection, lane)
            marks[lane] = mark
    return marks


async def request_closes(connection: Connection, lanes: Sequence[int], now: Instant) -> Mapping[int, UUID]:
    """Request that the session on each lane is closed, or on none; returns the ids of the sessions by lane.

    Raises CommandError when a lane has no open session.
    """
    closing: dict[int, UUID] = {}
    await record_this_boot(connection)
    async with connection.transaction():
        for lane in sorted(lanes):  # in one order, so that two commands never deadlock
            session_id = await request_close(connection, lane, now)
            if session_id is None:
                raise await no_open_session(connection, lane)
            closing[lane] = session_id
    return closing


async def request_close(connection: Connection, lane: int, now: Instant) -> UUID | None:
    """Request that the lane's session is closed: arrows in flight still count. None when no session is open on the lane."""
    session_id: UUID | None = await connection.fetchval(f"{_REQUEST_CLOSE} lane = $1 returning id", lane, *now.columns)
    return session_id


async def request_close_of(connection: Connection, session_id: UUID, now: Instant) -> None:
    """The same for one session by its id, if it is open."""
    await connection.execute(f"{_REQUEST_CLOSE} id = $1", session_id, *now.columns)


async def await_closes(connection: Connection, sessions: Sequence[UUID]) -> set[UUID]:
    """Wait until ``archstats-shots`` has closed the sessions; returns those that are still open after 15 s."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSED_WITHIN_S):
            for session_id in sessions:
                while await is_open(connection, session_id):  # noqa: ASYNC110 - a listener would be one more connection
                    await asyncio.sleep(POLL_INTERVAL_S)
    return {session_id for session_id in sessions if await is_open(connection, session_id)}


async def is_open(connection: Connection, session_id: UUID) -> bool:
    """Whether the session still takes shots, or waits for those in flight."""
    opened: bool | None = await connection.fetchval("select is_opened from sessions where id = $1", session_id)
    return bool(opened)


async def list_sessions(connection: Connection, limit: int, lanes: Sequence[int] | None = None) -> list[SessionSummary]:
    """The newest sessions first, of all lanes or of some. Arrows and points are counted as on the live page.

    Sighters and surplus arrows do not count; an undecided shot counts as an arrow without points.
    """
    rows = await connection.fetch(
        """
        select s.id, s.lane, s.is_opened, s.closing_time, s.start_time, s.end_time, s.location, s.is_indoor, s.rule_set,
               t.distance, case when b.clock = $3 then $3 when b.zero_at is null and abs(extract(epoch
                   from b.at - s.start_time) - (b.mono_ns - s.start_mono_ns) / 1e9) > $5 then $4 end as clock,
               (select string_agg(distinct f.code, ', ') from faces f where f.target_id = t.id) as face,
               array(select row(p.letter, (select name from archers where id = p.archer_id), p.face)
                   from slots p where p.session_id = s.id order by p.letter) as slots
        from sessions s
        left join targets t on t.session_id = s.id
        left join host_boots b on b.host_boot_id = s.start_host_boot_id
        where $2::integer[] is null or s.lane = any($2)
        order by max(s.number) over (partition by s.start_time) desc, s.lane limit $1
        """,
        limit,
        lanes,
        SessionClock.BEHIND,
        SessionClock.STEPPED,
        STEPPED_S,
    )
    return [await _summary(connection, row) for row in rows]


async def _summary(connection: Connection, row: asyncpg.Record) -> SessionSummary:
    facts = await facts_of_session(connection, row["id"])
    sums = session_totals(facts)
    of_slots = {letter: session_totals(facts.of_slot(letter)) for letter, *_ in row["slots"]}
    return SessionSummary(
        **{name: value for name, value in row.items() if name not in ("clock", "slots")},
        arrows=sums.arrows,
        points=sums.points,
        slots=[
            SlotTotal(SlotLetter(letter), archer, face, of_slots[letter].arrows, of_slots[letter].points)
            for letter, archer, face in row["slots"]
        ],
        clock=SessionClock(row["clock"]) if row["clock"] else None,
        nockings_expired=await _count_expired_nockings(connection, row["id"]),
    )


async def no_open_session(connection: Connection, lane: int) -> CommandError:
    """The error for a lane without an open session."""
    return CommandError(
        f"no session is open on lane {lane}, so nothing was changed",
        hint=f"Open one: `{await command_to_open(connection, lane)}`.",
        code=ErrorCode.SESSION_NOT_OPEN,
    )


async def _count_expired_nockings(connection: Connection, session_id: UUID) -> int:
    seen = await load_snapshot(connection, session_id)
    return len(expired_nockings(seen.readings, seen.context)) if seen is not None else 0


async def close_abandoned(connection: Connection, location: str, now: Instant) -> int:
    """Close the sessions that a killed simulated range left open; returns their number."""
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
        *now.columns,
    )
    return int(done.split()[-1])
