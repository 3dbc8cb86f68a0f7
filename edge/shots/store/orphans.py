"""Keep the list of landings that wait for a person, and say what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.shots.assembly.assemble import Assembly, shot_id
from edge.shots.assembly.model import ReadingKey, SessionContext
from edge.shots.store.corrections import Rulings

Orphans = dict[ReadingKey, tuple[str, UUID | None]]
"""Status, and the shot that an orphan became."""


async def stored_orphans(connection: Connection, session_id: UUID) -> Orphans:
    """What the table holds of a session."""
    rows = await connection.fetch(
        "select device_id, stream_id, seq, status, shot_id from orphans where session_id = $1", session_id
    )
    return {ReadingKey(r["device_id"], r["stream_id"], r["seq"]): (r["status"], r["shot_id"]) for r in rows}


def orphans_of(found: Assembly, rulings: Rulings, known: Mapping[ReadingKey, object]) -> Orphans:
    """Every landing that is an orphan, and what became of those that were. Pure."""
    result: Orphans = {orphan.key: ("open", None) for orphan in found.orphans}
    landed = {shot.landing: shot for shot in found.shots if shot.landing is not None}
    for key in {*known, *rulings.landings} & landed.keys():
        shot = landed[key]
        result[key] = ("voided", None) if shot.result == "void" else ("assigned", shot.id)
    return result


async def write_orphans(connection: Connection, context: SessionContext, fresh: Orphans, known: Orphans) -> bool:
    """Make the table say what ``fresh`` says; returns whether anything was written. In the caller's transaction.

    After the shots are written: an assigned orphan names its shot.
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
            [(shot_id(key), context.session_id, context.lane, *key, status, became) for key, status, became in changed],
        )
    known.clear()
    known.update(fresh)
    return bool(gone or changed)
