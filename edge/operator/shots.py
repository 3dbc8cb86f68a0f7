"""Find and list shots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Assignment, Flag, Result, TimeSource
from edge.operator.lookup import (
    LAST,
    AmbiguousLast,
    FoundSession,
    exactly_one,
    id_pattern,
    last_session,
    nothing_found,
)
from edge.shots.assembly.model import ReadingKey

_SHOTS = """
select h.*, a.human_identifier, f.human_identifier as face, p.letter as slot, coalesce(h.arrow_disengage_time, h.arrow_landing_time) as shot_at
from shots h join sessions s on s.id = h.session_id left join arrows a on a.id = h.arrow_id left join faces f on f.id = h.face_id
left join slots p on p.id = h.slot_id
"""

_SESSIONS = """
select s.id, s.lane, t.distance, s.start_time, s.end_time, s.is_opened
from sessions s left join targets t on t.session_id = s.id where s.id::text like $1 limit 2
"""

_COLUMNS = (
    "id", "session_id", "lane", "end_number", "arrow_id", "arrow_tag", "human_identifier", "arrow_engage_time",
    "arrow_disengage_time", "arrow_landing_time", "x", "y", "face", "slot", "points", "is_x", "tof_s", "speed_mps", "launch_mps",
    "line_margin_mm", "line_call", "diameter_mm", "diameter_assumed", "rule_set", "rule_set_version", "void_reason", "revision",
)  # fmt: skip
"""Columns that a summary takes as they are."""


@dataclass(frozen=True, slots=True)
class ShotSummary:
    """One row of ``shots``, with the names of its arrow and its face. Instants are aware UTC."""

    id: UUID
    session_id: UUID
    lane: int
    end_number: int | None
    arrow_id: UUID | None
    arrow_tag: str | None
    human_identifier: str | None
    """Name of the arrow."""
    arrow_engage_time: datetime | None
    arrow_disengage_time: datetime | None
    arrow_landing_time: datetime | None
    x: float | None
    """Landing point on the butt, millimetres from its left edge."""
    y: float | None
    face: str | None
    """Name of the face on the butt: A, B, C."""
    slot: str | None
    """Letter of the archer's slot."""
    result: Result
    points: int | None
    is_x: bool
    tof_s: float | None
    """Time of flight, seconds."""
    speed_mps: float | None
    """Mean speed over the flight."""
    launch_mps: float | None
    """Speed at the bow, where it was measured."""
    line_margin_mm: float | None
    line_call: bool
    diameter_mm: float | None
    """Thickness of the shaft that the shot was scored with; None without a landing."""
    diameter_assumed: bool
    """The arrow's own thickness is not known."""
    rule_set: str
    rule_set_version: int
    assignment: Assignment | None
    time_source: TimeSource
    flags: tuple[Flag, ...]
    void_reason: str | None
    revision: int
    release: ReadingKey | None
    """Reading of the bow that the shot is made of."""
    landing: ReadingKey | None
    """Reading of the target that the shot is made of."""

    @property
    def reading(self) -> ReadingKey:
        """The reading that corrections of the shot refer to: its release, or its landing when it has no release."""
        key = self.release or self.landing
        if key is None:
            raise ValueError(f"shot {self.id} is made of no reading")  # a CHECK of the table forbids it
        return key


async def find_shot(
    connection: Connection, reference: str, lane: int | None = None, *, corrected: bool = False
) -> ShotSummary:
    """A shot by its id, the first characters of it, or ``last`` (on the lane). Raises CommandError.

    ``last`` is the newest shot that is not void; with ``corrected`` the newest one that an operator corrected. Without a
    lane it is one of the lane of the last session.
    """
    if reference == LAST:
        if lane is None and (session := await last_session(connection)) is not None:
            lane = session.lane
        found = await connection.fetch(
            _SHOTS + "where ($1::integer is null or h.lane = $1) "
            "and case when $2 then $3 = any(flags) else result <> $4 end order by s.number desc, shot_at desc limit 1",
            lane,
            corrected,
            Flag.CORRECTED,
            Result.VOID,
        )
        if not found:
            message = "no shot was corrected" if corrected else "there is no shot, apart from void ones"
            raise nothing_found(message if lane is None else f"{message} on lane {lane}", "shots list")
    else:
        pattern = id_pattern(reference, "shots list")
        found = await connection.fetch(_SHOTS + "where h.id::text like $1 limit 2", pattern)
    return _summary(exactly_one(found, "shot", reference, "shots list"))


async def list_shots(
    connection: Connection, lane: int | None, session_id: UUID | None, limit: int
) -> list[ShotSummary]:
    """The newest shots, oldest first; void ones too.

    Those of one lane are in the order of its sessions, which no wall clock decides; several lanes shoot at the same time.
    """
    rows = await connection.fetch(
        _SHOTS + "where ($1::integer is null or h.lane = $1) and ($2::uuid is null or h.session_id = $2) "
        "order by case when $1 is not null then s.number end desc, shot_at desc, h.id limit $3",
        lane,
        session_id,
        limit,
    )
    return [_summary(row) for row in reversed(rows)]


async def find_session(connection: Connection, reference: str, command: str, lane: int | None = None) -> FoundSession:
    """A session by its id, the first characters of it, or ``last`` (on the lane). Raises CommandError.

    ``command`` takes the session's id as its next word; an unclear ``last`` is answered with it.
    """
    if reference == LAST:
        try:
            session = await last_session(connection, lane)
        except AmbiguousLast as fault:
            raise fault.by_id(command) from None
        if session is None:
            raise nothing_found(
                "there is no session yet" if lane is None else f"lane {lane} had no session yet", "session list"
            )
        return session
    found = await connection.fetch(_SESSIONS, id_pattern(reference, "session list"))
    return FoundSession(**exactly_one(found, "session", reference, "session list"))


def _summary(row: asyncpg.Record) -> ShotSummary:
    return ShotSummary(
        **{name: row[name] for name in _COLUMNS},
        result=Result(row["result"]),
        assignment=Assignment(row["assignment"]) if row["assignment"] else None,
        time_source=TimeSource(row["time_source"]),
        flags=tuple(map(Flag, row["flags"])),
        release=_key(row, "release"),
        landing=_key(row, "landing"),
    )


def _key(row: asyncpg.Record, role: str) -> ReadingKey | None:
    if row[f"{role}_seq"] is None:
        return None
    return ReadingKey(row[f"{role}_device_id"], row[f"{role}_stream_id"], row[f"{role}_seq"])
