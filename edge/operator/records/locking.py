"""Rows that are locked for a change, and the errors that every kind of row has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.operator.records.waiting import has_waiting

Expect: TypeAlias = Callable[[str], None]
"""Condition of a change: takes the row as it is now, as a JSON object, and raises unless it is as the operator saw it."""

SESSION_ROW: Final = (
    "id, is_opened, start_time, location, is_indoor, end_time, lane, arrows_per_end, sighter_ends, end_timeout_s, "
    "closing_time, rule_set, rule_set_version"
)
"""Columns of a session that operators see; the first six are those of the original API."""
TARGET_ROW: Final = "id, max_x, max_y, distance, session_id"
FACE_ROW: Final = "id, target_id, human_identifier, name, code, version, x, y, radii, points, x_radius"
SLOT_ROW: Final = "id, session_id, letter, face, bow_device_id, archer_id"
ARCHER_ROW: Final = "id, name"

_COLUMNS: Final[Mapping[str, str]] = {
    "sessions": SESSION_ROW, "targets": TARGET_ROW, "faces": FACE_ROW, "slots": SLOT_ROW, "archers": ARCHER_ROW,
}  # fmt: skip
_NOUNS: Final[Mapping[str, str]] = {
    "sessions": "session", "targets": "target", "faces": "face", "slots": "slot", "archers": "archer",
}  # fmt: skip
_SESSION_OF: Final[Mapping[str, str]] = {
    "targets": "select session_id from targets where id = $1",
    "faces": "select t.session_id from faces f join targets t on t.id = f.target_id where f.id = $1",
    "slots": "select session_id from slots where id = $1",
}
"""Query for the session of a row."""


async def lock_row(connection: Connection, table: str, row_id: UUID, expect: Expect | None = None) -> asyncpg.Record:
    """Lock a row until the transaction ends, and its session before it, and return all its columns.

    The assembler waits for the session's lock before it stores a first shot. Raises CommandError when the row does not exist,
    and what ``expect`` raises.
    """
    if (query := _SESSION_OF.get(table)) is not None:
        await connection.execute(f"select from sessions where id = ({query}) for update", row_id)
    row = await connection.fetchrow(f"select * from {table} where id = $1 for update", row_id)  # noqa: S608 - fixed names
    if row is None:
        raise not_found(_NOUNS[table], row_id)
    if expect is not None:
        shown = f"select row_to_json(seen)::text from (select {_COLUMNS[table]} from {table} where id = $1) seen"  # noqa: S608 - fixed names
        expect(await connection.fetchval(shown, row_id))
    return row


def not_found(noun: str, row_id: object) -> CommandError:
    """The error for a row that does not exist."""
    return CommandError(
        f"{noun} {row_id} does not exist",
        hint="Read the list again: it may have been deleted.",
        code=ErrorCode.NOT_FOUND,
    )


def no_fields(noun: str, known: Mapping[str, object] | frozenset[str]) -> UsageError:
    """The error for a change that names nothing to change."""
    return UsageError(
        f"nothing to change in this {noun} was given",
        hint=f"Give one of {', '.join(sorted(known))}.",
        code=ErrorCode.NO_FIELDS,
    )


async def update_row(connection: Connection, table: str, row_id: UUID, values: Mapping[str, object]) -> None:
    """Set columns of a row, by their names."""
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=2))
    await connection.execute(f"update {table} set {assignments} where id = $1", row_id, *values.values())  # noqa: S608 - fixed names


async def has_shots(connection: Connection, session_id: UUID) -> bool:
    """Whether arrows were shot in a session: shots, void ones included, landings in no shot, and arrows that wait for the assembler."""
    found: bool = await connection.fetchval(
        "select exists (select from shots where session_id = $1) or exists (select from orphans where session_id = $1)",
        session_id,
    )
    return found or await has_waiting(connection, session_id)


async def refuse_with_shots(connection: Connection, session_id: UUID, noun: str) -> None:
    """Raise CommandError when a session has shots, whose values rest on its target and its faces."""
    if await has_shots(connection, session_id):
        raise CommandError(
            f"the session already has shots, whose values rest on its {noun}, so nothing was changed",
            hint="Correct single shots, or derive all of them anew by the present faces and rules: "
            f"`archstats-sensor shots rescore {session_id}`. A new session takes another target.",
            code=ErrorCode.SESSION_HAS_SHOTS,
        )
