"""Create, change and delete the target of a session: its butt and the distance to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.operator.records.locking import Expect, lock_row, no_fields, refuse_with_shots, update_row
from edge.operator.records.places import FaceOnButt, refuse_off_butt

CHANGEABLE: Final = frozenset(("max_x", "max_y", "distance"))
"""Values of a target that can be changed; it stays that of its session."""
_MILLIMETRE: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class NewTarget:
    """The target of a session."""

    session_id: UUID
    max_x: float
    """Width of the butt, millimetres."""
    max_y: float
    """Height of the butt, millimetres."""
    distance: float
    """Metres, kept to the millimetre: 20 yards are 18.288."""


async def create_target(connection: Connection, new: NewTarget) -> UUID:
    """Give a session its target; returns the target's id.

    Raises CommandError when the session does not exist, has a target or has shots.
    """
    try:
        async with connection.transaction():
            await lock_row(connection, "sessions", new.session_id)
            target_id: UUID = await connection.fetchval(
                "insert into targets (session_id, max_x, max_y, distance) values ($1, $2, $3, $4) returning id",
                new.session_id,
                new.max_x,
                new.max_y,
                metres(new.distance),
            )
            await refuse_with_shots(connection, new.session_id, "target")
    except asyncpg.UniqueViolationError as fault:
        raise CommandError(
            "the session already has a target, so nothing was changed",
            hint="Change that one: GET /target?session_id=... shows it. A session has one target.",
            code=ErrorCode.TARGET_EXISTS,
            field="session_id",
        ) from fault
    return target_id


async def change_target(
    connection: Connection, target_id: UUID, change: Mapping[str, object], expect: Expect | None = None
) -> None:
    """Set values of a target by their names.

    Raises UsageError for a change that names nothing or a size that a face would not lie on, CommandError when the target
    does not exist or its session has shots.
    """
    if not change:
        raise no_fields("target", CHANGEABLE)
    async with connection.transaction():
        row = await lock_row(connection, "targets", target_id, expect)
        values = dict(change)
        if "distance" in values:
            values["distance"] = metres(float(str(values["distance"])))
        if all(row[name] == value for name, value in values.items()):
            return
        await refuse_with_shots(connection, row["session_id"], "target")
        size = float(str(values.get("max_x", row["max_x"]))), float(str(values.get("max_y", row["max_y"])))
        for face in await connection.fetch("select * from faces where target_id = $1", target_id):
            refuse_off_butt(FaceOnButt(face["human_identifier"], face["x"], face["y"], face["radii"][-1]), size)
        await update_row(connection, "targets", target_id, values)


async def delete_target(connection: Connection, target_id: UUID, expect: Expect | None = None) -> None:
    """Delete a target and its faces. Raises CommandError when it does not exist, has shots, or slots shoot at its faces."""
    async with connection.transaction():
        row = await lock_row(connection, "targets", target_id, expect)
        await refuse_with_shots(connection, row["session_id"], "target")
        await refuse_with_slots(connection, row["session_id"], None)
        await connection.execute("delete from targets where id = $1", target_id)


async def refuse_with_slots(connection: Connection, session_id: UUID, face: str | None) -> None:
    """Raise CommandError when archers shoot at a face of the session, or at any of them."""
    letters: str | None = await connection.fetchval(
        "select string_agg(letter, ', ' order by letter) from slots where session_id = $1 and ($2::text is null or face = $2)",
        session_id,
        face,
    )
    if letters is not None:
        raise CommandError(
            f"the archers of the slots {letters} shoot at it, so nothing was changed",
            hint="Give these slots another face first.",
            code=ErrorCode.IN_USE,
        )


def metres(distance: float) -> Decimal:
    """A distance as it is stored, to the millimetre. Pure."""
    return Decimal(str(distance)).quantize(_MILLIMETRE)
