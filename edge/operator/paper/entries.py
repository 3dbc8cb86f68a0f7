"""Enter ends on paper, and read them beside those of the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import CalledValue, ErrorCode, SlotLetter
from edge.operator.export.reading import no_session, one_instant, sheet_source
from edge.operator.export.sheet import SheetSource
from edge.operator.paper.compare import ComparedEnd, PaperEnd, compare_ends, highest_first

LAST_END = 10_000
"""Largest number of an end."""


@dataclass(frozen=True, slots=True)
class NewPaperEnd:
    """An end as a second scorer called it."""

    slot: SlotLetter | None
    """None on a butt without slots."""
    end_number: int
    """Number in the session, sighter ends included."""
    values: Sequence[CalledValue]


@dataclass(frozen=True, slots=True)
class ComparedSession:
    """All ends of a session that are on paper or have shots."""

    source: SheetSource
    ends: Sequence[ComparedEnd]


async def enter_end(connection: Connection, session_id: UUID, end: NewPaperEnd, who: str) -> int:
    """Append an end as it was called; returns the id of the entry. An earlier entry of the same end is kept and no longer valid.

    Raises CommandError when the session does not exist, has no such slot, or has fewer arrows in an end.
    """
    row = await connection.fetchrow(
        "select arrows_per_end, array(select letter from slots where session_id = s.id order by letter) as letters "
        "from sessions s where id = $1",
        session_id,
    )
    if row is None:
        raise no_session(session_id)
    _check(end, row["letters"], row["arrows_per_end"])
    if not who.strip():
        raise CommandError("an end on paper needs the scorer's name", hint="Give --who some text.")
    number: int = await connection.fetchval(
        "insert into paper_ends (session_id, slot, end_number, arrow_values, who) values ($1, $2, $3, $4, $5) returning id",
        session_id, end.slot, end.end_number, highest_first(end.values), clean(who),
    )  # fmt: skip
    return number


async def read_compared(connection: Connection, session_id: UUID) -> ComparedSession:
    """Each end on paper and by the sensors. Raises CommandError when the session does not exist."""
    async with one_instant(connection):
        source = await sheet_source(connection, session_id)
        rows = await connection.fetch(
            "select id, slot, end_number, arrow_values, who, at from paper_ends where session_id = $1 order by id",
            session_id,
        )
    return ComparedSession(source, compare_ends(source, map(_entry, rows)))


def _check(end: NewPaperEnd, letters: Sequence[str], arrows_per_end: int) -> None:
    if not 1 <= end.end_number <= LAST_END:
        raise _invalid("end_number", f"an end has a number from 1 to {LAST_END}", "Give the number of the end.")
    if not 1 <= len(end.values) <= arrows_per_end:
        raise _invalid(
            "values",
            f"an end of this session has 1 to {arrows_per_end} arrows, and {len(end.values)} values are given",
            "Give one value for each arrow that counts: of more arrows than allowed the lowest ones.",
        )
    if letters and end.slot not in letters:
        given = "no slot is given" if end.slot is None else f"the session has no slot {end.slot}"
        raise _invalid("slot", f"{given}, and several archers may shoot", f"Give the slot: {', '.join(letters)}.")
    if not letters and end.slot is not None:
        raise _invalid("slot", f"the session has no slot {end.slot}", "Leave out the slot: this butt has none.")


def _invalid(field: str, message: str, hint: str) -> CommandError:
    return CommandError(message, hint=hint, code=ErrorCode.INVALID_VALUE, field=field)


def _entry(row: asyncpg.Record) -> PaperEnd:
    return PaperEnd(row["id"], row["slot"], row["end_number"], row["arrow_values"], row["who"], row["at"])
