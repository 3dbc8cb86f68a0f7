"""Operators' corrections of a session, and its orphans: landings that await a decision."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CorrectionKind, OrphanStatus, Result
from edge.shots.assembly.assemble import Assembly
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Correction, CorrectionSet, ReadingKey
from edge.shots.assembly.shot import shot_id


async def read_corrections(connection: Connection, session_id: UUID) -> CorrectionSet:
    """Read the valid corrections of a session."""
    rows = await connection.fetch(
        "select kind, device_id, stream_id, seq, reason, new::text as new from corrections where session_id = $1 order by id",
        session_id,
    )
    return valid_corrections(rows)


def valid_corrections(rows: Iterable[asyncpg.Record]) -> CorrectionSet:
    """The latest correction of each shot's result and of each landing's owner; ``rows`` in order of entry. Pure."""
    results: dict[ReadingKey, Correction] = {}
    owners: dict[ReadingKey, Correction] = {}
    dismissed: set[ReadingKey] = set()
    for row in rows:
        key = ReadingKey(row["device_id"], row["stream_id"], row["seq"])
        kind = CorrectionKind(row["kind"])
        if kind in (CorrectionKind.RESTORE, CorrectionKind.RESULT):
            results.pop(key, None)
        else:  # it decides anew to which shot the landing belongs
            owners.pop(key, None)
            if key in results and results[key].result is Result.VOID:
                del results[key]
        dismissed.discard(key)
        new = json.loads(row["new"])
        if kind is CorrectionKind.RESULT:
            results[key] = Correction(key, Result(new["result"]), new["points"], new["is_x"], row["reason"])
        elif kind is CorrectionKind.DISMISS:
            results[key] = Correction(key, Result.VOID, reason=row["reason"])
            dismissed.add(key)
        elif kind is CorrectionKind.ASSIGN:
            owners[key] = Correction(_key(new["release"]) or key, landing=key, reason=row["reason"])
    return CorrectionSet.of((*owners.values(), *results.values()), frozenset({*owners, *dismissed}))


def _key(value: dict[str, object] | None) -> ReadingKey | None:
    return (
        None
        if value is None
        else ReadingKey(str(value["device_id"]), UUID(str(value["stream_id"])), int(str(value["seq"])))
    )


Orphans = dict[ReadingKey, tuple[OrphanStatus, UUID | None]]
"""Status of each orphan, and the shot to which it was assigned."""


async def stored_orphans(connection: Connection, session_id: UUID) -> Orphans:
    """The orphans of a session as stored."""
    rows = await connection.fetch(
        "select device_id, stream_id, seq, status, shot_id from orphans where session_id = $1", session_id
    )
    return {
        ReadingKey(r["device_id"], r["stream_id"], r["seq"]): (OrphanStatus(r["status"]), r["shot_id"]) for r in rows
    }


def orphans_of(found: Assembly, corrections: CorrectionSet, known: Mapping[ReadingKey, object]) -> Orphans:
    """The orphans of an assembly, and the outcome of each landing that was one before. Pure."""
    result: Orphans = {orphan.key: (OrphanStatus.OPEN, None) for orphan in found.orphans}
    landed = {shot.landing: shot for shot in found.shots if shot.landing is not None}
    for key in {*known, *corrections.judged_landings} & landed.keys():
        shot = landed[key]
        result[key] = (OrphanStatus.VOIDED, None) if shot.result is Result.VOID else (OrphanStatus.ASSIGNED, shot.id)
    return result


async def write_orphans(connection: Connection, context: SessionContext, fresh: Orphans, known: Orphans) -> bool:
    """Bring the table ``orphans`` up to date; returns whether anything was written.

    Runs in the caller's transaction, after the shots are written: an assigned orphan refers to its shot.
    """
    gone = [key for key in known if key not in fresh]
    changed = [(key, *value) for key, value in fresh.items() if known.get(key) != value]
    if gone:
        await connection.executemany("delete from orphans where (device_id, stream_id, seq) = ($1, $2, $3)", gone)
    if changed:
        await connection.executemany(
            """
            insert into orphans (id, session_id, lane, device_id, stream_id, seq, status, shot_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (device_id, stream_id, seq) do update set
                session_id = excluded.session_id, lane = excluded.lane, status = excluded.status,
                shot_id = excluded.shot_id, updated_at = now()
            """,
            [(shot_id(key), context.session_id, context.lane, *key, status, shot) for key, status, shot in changed],
        )
    known.clear()
    known.update(fresh)
    return bool(gone or changed)
