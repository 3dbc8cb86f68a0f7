"""Change the archers' places of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.operator.butt.slots import require_bow
from edge.operator.records.locking import Expect, lock_row, no_fields, update_row

CHANGEABLE: Final = frozenset(("archer_id", "bow_device_id", "face"))
"""Values of a slot that can be changed."""


async def change_slot(
    connection: Connection, slot_id: UUID, change: Mapping[str, object], expect: Expect | None = None
) -> None:
    """Set the archer, the bow or the face of a slot; None for no archer and no bow.

    The session's shots are derived anew. Raises UsageError for a change that names nothing, a face that is not on the butt or
    an unknown archer, CommandError when the slot does not exist, the device is no bow of the lane, or bow or archer have
    another slot of the session.
    """
    if not change:
        raise no_fields("slot", CHANGEABLE)
    try:
        async with connection.transaction():
            row = await lock_row(connection, "slots", slot_id, expect)
            values = {name: value for name, value in change.items() if row[name] != value}
            if values.get("face") is not None:
                await _require_face(connection, row["session_id"], str(values["face"]))
            if values.get("bow_device_id") is not None:
                lane = await connection.fetchval("select lane from sessions where id = $1", row["session_id"])
                await require_bow(connection, str(values["bow_device_id"]), lane)
            if values.get("archer_id") is not None:
                await _require_archer(connection, row, UUID(str(values["archer_id"])))
            if values:
                await update_row(connection, "slots", slot_id, values)
    except asyncpg.UniqueViolationError as fault:
        raise CommandError(
            f"bow {change.get('bow_device_id')} has another slot of the session, so nothing was changed",
            hint="Each bow is one archer's: take it from the other slot first.",
            code=ErrorCode.IN_USE,
            field="bow_device_id",
        ) from fault


async def _require_face(connection: Connection, session_id: UUID, face: str) -> None:
    rows = await connection.fetch(
        "select distinct f.name from faces f join targets t on t.id = f.target_id where t.session_id = $1 order by 1",
        session_id,
    )
    names = [row["name"] for row in rows]
    if face not in names:
        raise UsageError(
            f"the butt has no face named {face}", hint=f"Give one of {', '.join(names) or 'none'}.", field="face"
        )


async def _require_archer(connection: Connection, slot: asyncpg.Record, archer_id: UUID) -> None:
    """Raise UsageError for an unknown archer, CommandError for one in another slot of the session."""
    if not await connection.fetchval("select exists (select from archers where id = $1)", archer_id):
        raise UsageError(
            f"there is no archer {archer_id}", hint="Enter the archer first, by POST /archer.", field="archer_id"
        )
    other: str | None = await connection.fetchval(
        "select letter from slots where session_id = $1 and archer_id = $2 and id <> $3",
        slot["session_id"],
        archer_id,
        slot["id"],
    )
    if other is not None:
        raise CommandError(
            f"the archer shoots in slot {other} of the session, so nothing was changed",
            hint="An archer has one slot of a session: take the name from the other one first.",
            code=ErrorCode.IN_USE,
            field="archer_id",
        )
