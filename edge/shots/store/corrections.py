"""What people decided about a session, read back for assembly."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection
from edge.shots.assembly.model import Correction, ReadingKey


@dataclass(frozen=True, slots=True)
class Rulings:
    """What holds now."""

    corrections: tuple[Correction, ...] = ()
    """In the order in which they were said."""
    landings: frozenset[ReadingKey] = frozenset()
    """Landings that a person gave to a shot, or took out."""


async def read_rulings(connection: Connection, session_id: UUID) -> Rulings:
    """What holds of everything that was ever said about a session."""
    rows = await connection.fetch(
        "select kind, device_id, stream_id, seq, reason, new::text as new from corrections where session_id = $1 order by id",
        session_id,
    )
    return last_words(rows)


def last_words(rows: Iterable[asyncpg.Record]) -> Rulings:
    """Of each shot and each landing what was said last; rows in the order in which they were said. Pure."""
    verdicts: dict[ReadingKey, Correction] = {}
    owners: dict[ReadingKey, Correction] = {}
    dismissed: set[ReadingKey] = set()
    for row in rows:
        key = ReadingKey(row["device_id"], row["stream_id"], row["seq"])
        if row["kind"] in ("restore", "result"):
            verdicts.pop(key, None)
        else:  # whose the landing is, is said anew
            owners.pop(key, None)
            if key in verdicts and verdicts[key].result == "void":
                del verdicts[key]
        dismissed.discard(key)
        new = json.loads(row["new"])
        if row["kind"] == "result":
            verdicts[key] = Correction(key, new["result"], new["points"], new["is_x"], row["reason"])
        elif row["kind"] == "dismiss":
            verdicts[key] = Correction(key, "void", reason=row["reason"])
            dismissed.add(key)
        elif row["kind"] == "assign":
            owners[key] = Correction(_key(new["release"]) or key, landing=key, reason=row["reason"])
    return Rulings((*owners.values(), *verdicts.values()), frozenset({*owners, *dismissed}))


def _key(value: dict[str, object] | None) -> ReadingKey | None:
    return (
        None
        if value is None
        else ReadingKey(str(value["device_id"]), UUID(str(value["stream_id"])), int(str(value["seq"])))
    )
