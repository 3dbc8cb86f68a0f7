"""Create, change and delete the faces of a target one by one: of the catalogue, or with rings of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import ErrorCode
from edge.operator.butt.layout import face_spec
from edge.operator.records.locking import Expect, lock_row, no_fields, refuse_with_shots, update_row
from edge.operator.records.places import FaceOnButt, check_rings, refuse_off_butt
from edge.operator.records.targets import refuse_with_slots

CHANGEABLE: Final = frozenset(("human_identifier", "name", "x", "y", "radii", "points", "x_radius"))
"""Values of a face that can be changed; it stays on its target."""
OWN_CODE: Final = "custom"
"""Code of a face that is in no catalogue: its rings are its own."""
_OWN_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Rings:
    """The rings of a face, innermost first, millimetres."""

    radii: Sequence[float]
    points: Sequence[int]
    x_radius: float | None = None


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face with one spot, and its place on the butt."""

    target_id: UUID
    human_identifier: str
    """Name of the spot, one of its kind on the target."""
    x: float
    """Centre, millimetres from the left edge of the butt."""
    y: float
    """Centre, millimetres from the lower edge of the butt."""
    rings: Rings | None
    """None for those of the catalogue."""
    code: str = OWN_CODE
    name: str | None = None
    """Name of the whole face, which its spots share; that of the spot by default."""


async def create_face(connection: Connection, new: NewFace) -> UUID:
    """Put a face on a target; returns its id.

    Raises UsageError for rings out of order, an unknown code or a place beyond the butt, CommandError when the target does not
    exist, its session has shots, or the name is taken.
    """
    try:
        async with connection.transaction():
            target = await lock_row(connection, "targets", new.target_id)
            await refuse_with_shots(connection, target["session_id"], "faces")
            version, rings = _rings(new)
            check_rings(rings.radii, rings.points, rings.x_radius)
            name = clean(new.human_identifier)
            refuse_off_butt(FaceOnButt(name, new.x, new.y, rings.radii[-1]), (target["max_x"], target["max_y"]))
            face_id: UUID = await connection.fetchval(
                """
                insert into faces (target_id, human_identifier, name, code, version, x, y, radii, points, x_radius)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id
                """,
                new.target_id, name, clean(new.name or name), new.code, version, new.x, new.y, list(rings.radii),
                list(rings.points), rings.x_radius,
            )  # fmt: skip
    except asyncpg.UniqueViolationError as fault:
        raise _name_taken(new.human_identifier) from fault
    return face_id


async def change_face(
    connection: Connection, face_id: UUID, change: Mapping[str, object], expect: Expect | None = None
) -> None:
    """Set values of a face by their names. A face with other rings is no longer one of the catalogue.

    Raises the errors of :func:`create_face`, UsageError for a change that names nothing, and CommandError when slots refer to
    its name.
    """
    if not change:
        raise no_fields("face", CHANGEABLE)
    try:
        async with connection.transaction():
            row = await lock_row(connection, "faces", face_id, expect)
            target = await lock_row(connection, "targets", row["target_id"])
            values = {name: value for name, value in change.items() if row[name] != value}
            if not values:
                return
            await refuse_with_shots(connection, target["session_id"], "faces")
            for name in ("human_identifier", "name"):
                if name in values:
                    values[name] = clean(str(values[name]))
            if "name" in values and await _is_only_spot(connection, row):
                await refuse_with_slots(connection, target["session_id"], row["name"])
            wanted = {**row, **values}
            check_rings(wanted["radii"], wanted["points"], wanted["x_radius"])
            place = FaceOnButt(wanted["human_identifier"], wanted["x"], wanted["y"], wanted["radii"][-1])
            refuse_off_butt(place, (target["max_x"], target["max_y"]))
            if values.keys() & {"radii", "points", "x_radius"}:
                values |= {"code": OWN_CODE, "version": _OWN_VERSION}
            await update_row(connection, "faces", face_id, values)
    except asyncpg.UniqueViolationError as fault:
        raise _name_taken(str(change.get("human_identifier"))) from fault


async def delete_face(connection: Connection, face_id: UUID, expect: Expect | None = None) -> None:
    """Take a face off its target. Raises CommandError when it does not exist, has shots, or slots shoot at it."""
    async with connection.transaction():
        row = await lock_row(connection, "faces", face_id, expect)
        session_id = await connection.fetchval("select session_id from targets where id = $1", row["target_id"])
        await refuse_with_shots(connection, session_id, "faces")
        if await _is_only_spot(connection, row):
            await refuse_with_slots(connection, session_id, row["name"])
        await connection.execute("delete from faces where id = $1", face_id)


async def _is_only_spot(connection: Connection, face: asyncpg.Record) -> bool:
    """Whether no other spot of the whole face is on the target."""
    others: int = await connection.fetchval(
        "select count(*) from faces where target_id = $1 and name = $2 and id <> $3",
        face["target_id"], face["name"], face["id"],
    )  # fmt: skip
    return others == 0


def _rings(new: NewFace) -> tuple[int, Rings]:
    """The version and the rings of a new face. Pure."""
    if new.rings is not None:
        return _OWN_VERSION, new.rings
    spec = face_spec(new.code)
    return spec.version, Rings(spec.radii_mm, spec.points, spec.x_radius_mm)


def _name_taken(name: str) -> CommandError:
    return CommandError(
        f"another face of the target is named {clean(name)}, so nothing was changed",
        hint="Give it another human_identifier.",
        code=ErrorCode.IDENTIFIER_IN_USE,
        field="human_identifier",
    )
