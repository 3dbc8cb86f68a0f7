"""Read everything that a session's sheet is made of, of one instant."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CorrectionKind, ErrorCode, Flag, SessionState
from edge.operator.export.sheet import LastCorrection, Place, SheetHead, SheetSource, ShotDetails
from edge.operator.statistics import session_facts, state_of_session

# At a centre rows of two hubs are joined by hub, too.
_HEAD = """
select s.id, s.lane, s.is_opened, s.closing_time, s.start_time, s.end_time, s.location, s.is_indoor, s.arrows_per_end,
    s.sighter_ends, s.rule_set, s.rule_set_version, t.distance::float8 as distance_m,
    array(select distinct f.code from faces f where f.target_id = t.id order by f.code) as faces,
    (select json_agg(json_build_object('letter', p.letter, 'archer', a.name,
            'face', (select min(f.code) from faces f where f.target_id = t.id and f.name = p.face)) order by p.letter)
        from slots p left join archers a on (a.id, a.hub_id) = (p.archer_id, p.hub_id)
        where p.session_id = s.id)::text as places
from sessions s left join targets t on t.session_id = s.id where s.id = $1
"""
_DETAILS = """
select h.id, h.arrow_engage_time, h.arrow_disengage_time, h.arrow_landing_time, f.human_identifier as face, h.tof_s, h.speed_mps,
    h.launch_mps, h.line_margin_mm, h.line_call, h.diameter_mm, h.diameter_assumed, h.flags, h.void_reason,
    c.at as corrected_at, c.who, c.reason, c.old::text as old, c.new::text as new
from shots h left join faces f on (f.id, f.hub_id) = (h.face_id, h.hub_id)
left join lateral (
    select at, who, reason, old, new from corrections k
    where k.session_id = h.session_id and k.hub_id = h.hub_id and k.kind = $2 and $3 = any(h.flags)
        and ((k.device_id, k.stream_id, k.seq) = (h.release_device_id, h.release_stream_id, h.release_seq)
            or (k.device_id, k.stream_id, k.seq) = (h.landing_device_id, h.landing_stream_id, h.landing_seq))
    order by k.id desc limit 1
) c on true
where h.session_id = $1
"""


@asynccontextmanager
async def one_instant(connection: Connection) -> AsyncIterator[None]:
    """A read-only transaction that sees one state of the database throughout."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


async def read_sheet(connection: Connection, session_id: UUID) -> SheetSource:
    """Read a session with its shots and their last corrections. Raises CommandError when it does not exist."""
    async with one_instant(connection):
        return await sheet_source(connection, session_id)


async def sheet_source(connection: Connection, session_id: UUID, *, is_whole: bool = True) -> SheetSource:
    """The same, within a transaction of the caller; what statistics do not need of the shots is left out unless it is whole."""
    row = await connection.fetchrow(_HEAD, session_id)
    state = await state_of_session(connection, session_id)
    if row is None or state is None:
        raise no_session(session_id)
    facts = await session_facts(connection, state)
    arguments = (session_id, CorrectionKind.RESULT, Flag.CORRECTED)
    details = await connection.fetch(_DETAILS, *arguments) if is_whole else []
    return SheetSource(_head(row), facts, {one["id"]: _details(one) for one in details})


def no_session(session_id: UUID) -> CommandError:
    """The error for a session that does not exist."""
    return CommandError(
        f"session {session_id} does not exist", hint="See `archstats-sensor session list`.", code=ErrorCode.NOT_FOUND
    )


def session_state(*, is_opened: bool, closing_time: datetime | None) -> SessionState:
    """Open until closing was requested; closing until its last arrows are decided."""
    if not is_opened:
        return SessionState.CLOSED
    return SessionState.CLOSING if closing_time else SessionState.OPEN


def _head(row: asyncpg.Record) -> SheetHead:
    names = (
        "lane", "start_time", "end_time", "location", "is_indoor", "distance_m", "faces", "arrows_per_end", "sighter_ends",
        "rule_set", "rule_set_version",
    )  # fmt: skip
    return SheetHead(
        session_id=row["id"],
        state=session_state(is_opened=row["is_opened"], closing_time=row["closing_time"]),
        places=[Place(**place) for place in json.loads(row["places"] or "[]")],
        **{name: row[name] for name in names},
    )


def _details(row: asyncpg.Record) -> ShotDetails:
    old: dict[str, Any] = json.loads(row["old"] or "{}")
    new: dict[str, Any] = json.loads(row["new"] or "{}")
    at: datetime | None = row["corrected_at"]
    return ShotDetails(
        engaged_at=row["arrow_engage_time"],
        released_at=row["arrow_disengage_time"],
        landed_at=row["arrow_landing_time"],
        face=row["face"],
        flight_s=row["tof_s"],
        speed_mps=row["speed_mps"],
        launch_mps=row["launch_mps"],
        line_margin_mm=row["line_margin_mm"],
        line_call=row["line_call"],
        shaft_mm=row["diameter_mm"],
        shaft_assumed=row["diameter_assumed"],
        flags=row["flags"],
        void_reason=row["void_reason"],
        correction=None if at is None else LastCorrection(at, row["who"], row["reason"], old, new),
    )
