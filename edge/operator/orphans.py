"""Find, list and settle orphans: landings that no release explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CorrectionKind, OrphanStatus
from edge.operator.corrections import NewCorrection, record_correction
from edge.operator.lookup import LAST, exactly_one, id_pattern, nothing_found
from edge.operator.shots import ShotSummary
from edge.shots.assembly.model import ReadingKey

ORPHANS = """
select o.*, coalesce(utc_of_boot(b, r.mono_ns), r.at) as at, r.tag, a.human_identifier,
    s.number as session_number
from orphans o join sessions s on s.id = o.session_id join readings r using (device_id, stream_id, seq)
left join host_boots b on b.host_boot_id = r.host_boot_id and b.zero_at is not null
left join arrows a on replace(a.id::text, '-', '') = r.tag
"""
"""Landings with their instants as their sessions are dated: also where the wall clock of the boot was behind."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """One landing that is or was an orphan."""

    id: UUID
    session_id: UUID
    lane: int
    status: OrphanStatus
    shot_id: UUID | None
    """The shot that it was assigned to."""
    at: datetime
    """Instant of the landing, UTC."""
    x: float | None
    """Landing point on the butt, millimetres from its left edge."""
    y: float | None
    tag: str | None
    human_identifier: str | None
    """Name of the arrow with this tag."""
    reading: ReadingKey


async def find_orphan(connection: Connection, reference: str, *, settled: bool = False) -> Orphan:
    """A landing that is or was an orphan, by its id, the first characters of it, or ``last``. Raises CommandError.

    ``last`` is the newest open one; with ``settled`` the newest that was assigned or voided. It is refused where several lanes
    have one.
    """
    if reference == LAST:
        found = await connection.fetch(
            f"select distinct on (lane) * from ({ORPHANS} where (status <> $2) = $1) found order by lane, session_number desc, at desc",  # noqa: S608
            settled,
            OrphanStatus.OPEN,
        )
        if not found:
            message = "no orphan was assigned or voided" if settled else "there is no open orphan"
            raise nothing_found(message, "orphan list --all")
        if len(found) > 1:
            lines = [f"  {str(row['id'])[:8]}  lane {row['lane']}, landed {local(row['at'])}" for row in found]
            raise CommandError(
                f"'{LAST}' is not clear: there are such landings on the lanes {', '.join(str(row['lane']) for row in found)}",
                hint="\n".join(["Give one of these ids in its place:", *lines]),
            )
    else:
        pattern = id_pattern(reference, "orphan list")
        found = await connection.fetch(ORPHANS + "where o.id::text like $1 limit 2", pattern)
    return _orphan(exactly_one(found, "orphan", reference, "orphan list --all"))


async def list_orphans(connection: Connection, lane: int | None, *, settled: bool, limit: int) -> list[Orphan]:
    """The newest open orphans, oldest first; with ``settled`` also those that were assigned or voided.

    Those of one lane are in the order of its sessions, which no wall clock decides.
    """
    rows = await connection.fetch(
        f"select * from ({ORPHANS} where ($1::integer is null or o.lane = $1) and ($2 or status = $4)) found "  # noqa: S608
        "order by case when $1 is not null then session_number end desc, at desc limit $3",
        lane,
        settled,
        limit,
        OrphanStatus.OPEN,
    )
    return [_orphan(row) for row in reversed(rows)]


async def assign_orphan(connection: Connection, orphan: Orphan, to: ShotSummary | None, who: str, reason: str) -> None:
    """Give a landing to a shot, or make it a shot of its own when ``to`` is None.

    Raises CommandError when the shot cannot take it.
    """
    release = None if to is None else _release_of(to, orphan)._asdict()
    await _record(connection, orphan, CorrectionKind.ASSIGN, who, reason, {"release": release})


async def void_orphan(connection: Connection, orphan: Orphan, who: str, reason: str) -> None:
    """Record that no arrow made this landing."""
    await _record(connection, orphan, CorrectionKind.DISMISS, who, reason, {})


async def reopen_orphan(connection: Connection, orphan: Orphan, who: str, reason: str) -> None:
    """Take back all corrections of a landing. Raises CommandError when there are none."""
    if orphan.status is OrphanStatus.OPEN:
        raise CommandError(f"orphan {orphan.id} is already open", hint="Assign it or void it.")
    await _record(connection, orphan, CorrectionKind.REOPEN, who, reason, {})


async def _record(
    connection: Connection, orphan: Orphan, kind: CorrectionKind, who: str, reason: str, new: Mapping[str, object]
) -> None:
    old = {"status": orphan.status, "shot_id": orphan.shot_id}
    await record_correction(connection, NewCorrection(orphan.session_id, kind, orphan.reading, who, reason, old, new))


def _release_of(shot: ShotSummary, orphan: Orphan) -> ReadingKey:
    """The release that gets the landing."""
    if shot.session_id != orphan.session_id:
        raise CommandError(
            f"shot {shot.id} and the landing belong to different sessions", hint="See `archstats-sensor shots list`."
        )
    if shot.release is None:
        raise CommandError(
            f"shot {shot.id} has no release, it is a landing itself",
            hint="Correct its value instead: `archstats-sensor shots correct`.",
        )
    if shot.landing is not None:
        raise CommandError(
            f"shot {shot.id} already has a landing",
            hint="If its value is wrong, correct that: `archstats-sensor shots correct`.",
        )
    return shot.release


def _orphan(row: asyncpg.Record) -> Orphan:
    return Orphan(
        id=row["id"],
        session_id=row["session_id"],
        lane=row["lane"],
        status=OrphanStatus(row["status"]),
        shot_id=row["shot_id"],
        at=row["at"],
        x=row["x"],
        y=row["y"],
        tag=row["tag"],
        human_identifier=row["human_identifier"],
        reading=ReadingKey(row["device_id"], row["stream_id"], row["seq"]),
    )
