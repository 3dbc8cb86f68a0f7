"""Operators' corrections of a session, and the orphans that result: landings that await a decision."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

import asyncpg

from edge.common.vocabulary import CorrectionKind, OrphanStatus, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Correction, CorrectionSet, ReadingKey, TimedReading
from edge.shots.assembly.shot import Shot


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


class OrphanState(NamedTuple):
    """A landing that is or was an orphan."""

    status: OrphanStatus
    shot_id: UUID | None
    """The shot to which it was assigned."""
    x: float | None
    """Place on the butt, millimetres; None where the sensor gave none."""
    y: float | None


Orphans = dict[ReadingKey, OrphanState]
"""The orphans of a session, by their landings."""


def orphans_of(
    orphans: Iterable[TimedReading],
    shots: Iterable[Shot],
    context: SessionContext,
    known: Mapping[ReadingKey, object],
) -> Orphans:
    """The orphans of an assembly, and the outcome of each landing that was one before. Pure."""
    result: Orphans = {}
    for orphan in orphans:
        point = context.butt_point(orphan)
        x, y = (None, None) if point is None else (point.x, point.y)
        result[orphan.key] = OrphanState(OrphanStatus.OPEN, None, x, y)
    for shot in shots:
        if shot.landing is not None and (shot.landing in known or shot.landing in context.corrections.judged_landings):
            is_void = shot.result is Result.VOID
            status, shot_id = (OrphanStatus.VOIDED, None) if is_void else (OrphanStatus.ASSIGNED, shot.id)
            result[shot.landing] = OrphanState(status, shot_id, shot.x, shot.y)
    return result
