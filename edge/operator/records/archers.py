"""Create, rename and delete archers."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import ErrorCode
from edge.operator.records.locking import Expect, lock_row

LONGEST_NAME = 100
"""Characters of the longest name of an archer."""


async def create_archer(connection: Connection, name: str) -> UUID:
    """Enter an archer; returns the id. Raises UsageError for an empty name, CommandError for one that is known."""
    written = archer_name(name)
    try:
        async with connection.transaction():
            archer_id: UUID = await connection.fetchval("insert into archers (name) values ($1) returning id", written)
    except asyncpg.UniqueViolationError as fault:
        raise _known(written) from fault
    return archer_id


async def rename_archer(connection: Connection, archer_id: UUID, name: str, expect: Expect | None = None) -> None:
    """Give an archer another name, in past sessions too. Raises the errors of :func:`create_archer`."""
    written = archer_name(name)
    try:
        async with connection.transaction():
            await lock_row(connection, "archers", archer_id, expect)
            await connection.execute("update archers set name = $2 where id = $1", archer_id, written)
    except asyncpg.UniqueViolationError as fault:
        raise _known(written) from fault


async def delete_archer(connection: Connection, archer_id: UUID, expect: Expect | None = None) -> None:
    """Delete an archer without a slot in any session. Raises CommandError when there is one, or no such archer."""
    try:
        async with connection.transaction():
            await lock_row(connection, "archers", archer_id, expect)
            await connection.execute("delete from archers where id = $1", archer_id)
    except asyncpg.ForeignKeyViolationError as fault:
        raise CommandError(
            "the archer has slots in sessions, so the name was not deleted",
            hint="Give these slots another archer or none, or rename the archer.",
            code=ErrorCode.IN_USE,
        ) from fault


def archer_name(text: str) -> str:
    """An archer's name as it is stored: printable, with single spaces. Raises UsageError when nothing is left of it. Pure."""
    name = clean(" ".join(text.split()), LONGEST_NAME)
    if not name:
        raise UsageError("the name is empty", hint="Give the archer a name.", field="name")
    return name


def _known(name: str) -> CommandError:
    return CommandError(
        f"there already is an archer {name}, so nothing was changed",
        hint="Choose that one, or write two archers of one name differently: Kim L., Kim P.",
        code=ErrorCode.ALREADY_EXISTS,
        field="name",
    )
