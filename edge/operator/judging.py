"""Finding shots and orphans by what a person types, and writing down what he decides."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection

LAST = "last"
"""Instead of an id: the newest one."""
FEWEST_CHARACTERS = 4

Kind = Literal["result", "restore", "assign", "dismiss", "reopen"]

_SHOTS = """
select h.*, a.human_identifier, f.human_identifier as face, coalesce(h.arrow_disengage_time, h.arrow_landing_time) as shot_at
from shots h left join arrows a on a.id = h.arrow_id left join faces f on f.id = h.face_id
"""
_ORPHANS = """
select o.*, r.at, r.tag, r.x_mm as x, r.y_mm as y, a.human_identifier
from orphans o join readings r using (device_id, stream_id, seq)
left join arrows a on replace(a.id::text, '-', '') = r.tag
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """One row for ``corrections``."""

    session_id: UUID
    kind: Kind
    device_id: str
    stream_id: UUID
    seq: int
    who: str
    why: str
    old: Mapping[str, object]
    new: Mapping[str, object]


async def find_shot(
    connection: Connection, reference: str, lane: int | None = None, *, decided: bool = False
) -> asyncpg.Record:
    """A shot by its id, the first characters of it, or ``last`` (of the lane). Raises Refused.

    The last one is the newest that is not void; with ``decided`` the newest of which a person decided something.
    """
    if reference == LAST:
        found = await connection.fetch(
            _SHOTS + "where ($1::integer is null or h.lane = $1) "
            "and case when $2 then 'corrected' = any(flags) else result <> 'void' end order by shot_at desc limit 1",
            lane,
            decided,
        )
        if not found:
            nothing = "nothing was decided of any shot" if decided else "there is no shot, voided ones aside"
            raise none_yet(nothing if lane is None else f"{nothing} of lane {lane}", "shots list")
    else:
        found = await connection.fetch(_SHOTS + "where h.id::text like $1 limit 2", prefix(reference, "shots list"))
    return only(found, "shot", reference, "shots list")


async def find_orphan(connection: Connection, reference: str, *, settled: bool = False) -> asyncpg.Record:
    """A landing that is or was an orphan, by its id, the first characters of it, or ``last``. Raises Refused.

    The last one is the newest that waits for a person; with ``settled`` the newest that was dealt with.
    """
    if reference == LAST:
        found = await connection.fetch(_ORPHANS + "where (status <> 'open') = $1 order by r.at desc limit 1", settled)
        if not found:
            nothing = "nothing was said of any landing" if settled else "no landing waits for a person"
            raise none_yet(nothing, "orphan list --all")
    else:
        found = await connection.fetch(_ORPHANS + "where o.id::text like $1 limit 2", prefix(reference, "orphan list"))
    return only(found, "orphan", reference, "orphan list --all")


async def list_shots(
    connection: Connection, lane: int | None, session_id: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """The newest shots, oldest of them first; voided ones too."""
    rows = await connection.fetch(
        _SHOTS + "where ($1::integer is null or h.lane = $1) and ($2::uuid is null or session_id = $2) "
        "order by shot_at desc, h.id limit $3",
        lane,
        session_id,
        limit,
    )
    return rows[::-1]


async def list_orphans(connection: Connection, lane: int | None, *, settled: bool, limit: int) -> list[asyncpg.Record]:
    """The newest landings that wait for a person, oldest of them first; with ``settled`` also those that were dealt with."""
    rows = await connection.fetch(
        _ORPHANS + "where ($1::integer is null or o.lane = $1) and ($2 or status = 'open') order by r.at desc limit $3",
        lane,
        settled,
        limit,
    )
    return rows[::-1]


async def find_session(connection: Connection, reference: str) -> UUID:
    """A session by its id, the first characters of it, or ``last``. Raises Refused."""
    if reference == LAST:
        found = await connection.fetch("select id from sessions order by start_time desc limit 1")
        if not found:
            raise none_yet("there is no session yet", "session list")
    else:
        found = await connection.fetch(
            "select id from sessions where id::text like $1 limit 2", prefix(reference, "session list")
        )
    session_id: UUID = only(found, "session", reference, "session list")["id"]
    return session_id


async def face_points(connection: Connection, session_id: UUID) -> list[int]:
    """What one arrow can be worth on the session's faces, highest first; empty where there is no face."""
    rows = await connection.fetch(
        """
        select distinct unnest(points) as worth from faces
        where target_id = (select id from targets where session_id = $1) order by worth desc
        """,
        session_id,
    )
    return [row["worth"] for row in rows]


async def record(connection: Connection, decision: Decision) -> None:
    """Write a decision down. The database asks for the session's shots to be computed again in the same transaction."""
    await connection.execute(
        """
        insert into corrections (session_id, kind, device_id, stream_id, seq, who, reason, old, new)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        decision.session_id,
        decision.kind,
        decision.device_id,
        decision.stream_id,
        decision.seq,
        decision.who,
        decision.why,
        json.dumps(decision.old, default=str),
        json.dumps(decision.new, default=str),
    )


async def ask_rebuild(connection: Connection, session_id: UUID, who: str) -> int:
    """Ask for a session's shots to be computed again; returns the number of the request."""
    number: int = await connection.fetchval(
        "insert into rebuilds (session_id, who, reason) values ($1, $2, 'asked for') returning id", session_id, who
    )
    return number


def prefix(reference: str, where: str) -> str:
    """A pattern for ids that begin so. Raises Refused for what can be no id."""
    if not re.fullmatch(rf"[0-9a-f-]{{{FEWEST_CHARACTERS},36}}", reference.lower()):
        raise CommandError(
            f"'{reference}' is no id",
            hint=f"Give '{LAST}', or at least {FEWEST_CHARACTERS} characters of an id from: archstats-sensor {where}",
        )
    return reference.lower() + "%"


def only(found: list[asyncpg.Record], what: str, reference: str, where: str) -> asyncpg.Record:
    """The one that was meant. Raises Refused when there is none, or more."""
    if not found:
        raise CommandError(f"there is no {what} '{reference}'", hint=f"See: archstats-sensor {where}")
    if len(found) > 1:
        raise CommandError(f"more than one {what} begins with '{reference}'", hint="Give more characters of its id")
    return found[0]


def none_yet(what: str, where: str) -> CommandError:
    """Nothing is there that ``last`` could mean."""
    return CommandError(what, hint=f"See: archstats-sensor {where}")


async def history_of(connection: Connection, shot: asyncpg.Record) -> list[asyncpg.Record]:
    """Everything that was ever decided of a shot and of its landing, in order."""
    return await connection.fetch(
        """
        select at, who, kind, reason, old::text as old, new::text as new from corrections
        where (device_id, stream_id, seq) in (($1, $2, $3), ($4, $5, $6)) order by id
        """,
        *(shot[f"{role}_{part}"] for role in ("release", "landing") for part in ("device_id", "stream_id", "seq")),
    )
