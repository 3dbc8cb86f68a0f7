"""Enter ends on paper, and read them beside those of the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import CalledValue, ErrorCode, SessionState, SlotLetter
from edge.operator.export.reading import one_instant, sheet_source
from edge.operator.export.sheet import SheetSource
from edge.operator.paper.compare import ComparedEnd, PaperEnd, compare_ends, highest_first, last_end, valid_entries

LAST_END = 10_000
"""Largest number of an end."""
_FACES = """
select f.points, f.x_radius, p.letter is not null as is_own from faces f join targets t on t.id = f.target_id
left join slots p on p.session_id = t.session_id and p.face = f.name and p.letter = $2 where t.session_id = $1
"""


@dataclass(frozen=True, slots=True)
class NewPaperEnd:
    """An end as a second scorer called it."""

    slot: SlotLetter | None
    """None on a butt without slots."""
    end_number: int
    """Number in the session, sighter ends included."""
    values: Sequence[CalledValue]
    """None to withdraw what was entered for the end."""


@dataclass(frozen=True, slots=True)
class ComparedSession:
    """All ends of a session that are on paper or have shots."""

    source: SheetSource
    ends: Sequence[ComparedEnd]


async def enter_end(connection: Connection, session_id: UUID, end: NewPaperEnd, who: str) -> int:
    """Append an end as it was called; returns the id of the entry. An earlier entry of the same end is kept and no longer valid.

    An end without values withdraws the entries of that end. Raises CommandError when the session does not exist, has no such
    slot or end, has fewer arrows in an end, when a value is not on the archer's face, or nothing is there to withdraw.
    """
    async with one_instant(connection):
        source = await sheet_source(connection, session_id, is_whole=False)
        entries = await _entries(connection, session_id)
        values = await _values_of(connection, session_id, end.slot)
    _check(end, source, entries, values)
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
        entries = await _entries(connection, session_id)
    return ComparedSession(source, compare_ends(source, entries))


async def _entries(connection: Connection, session_id: UUID) -> list[PaperEnd]:
    rows = await connection.fetch(
        "select id, slot, end_number, arrow_values, who, at from paper_ends where session_id = $1 order by id",
        session_id,
    )
    return [_entry(row) for row in rows]


async def _values_of(connection: Connection, session_id: UUID, slot: str | None) -> frozenset[str]:
    """The values that an archer's face has, the miss included; all of them for a butt without faces."""
    rows = await connection.fetch(_FACES, session_id, slot)
    rings = [row for row in rows if row["is_own"]] or rows
    if not rings:
        return frozenset(CalledValue)
    points = {str(one) for row in rings for one in row["points"]}
    crosses = {CalledValue.X} if any(row["x_radius"] is not None for row in rings) else set()
    return frozenset({CalledValue.MISS, *crosses, *points})


def _check(end: NewPaperEnd, source: SheetSource, entries: Sequence[PaperEnd], on_face: frozenset[str]) -> None:
    head = source.head
    letters = [place.letter for place in head.places if place.letter is not None]
    arrows_per_end = head.arrows_per_end
    if not 1 <= end.end_number <= LAST_END:
        raise _invalid("end_number", f"an end has a number from 1 to {LAST_END}", "Give the number of the end.")
    if not end.values:
        if (end.slot, end.end_number) not in valid_entries(entries):
            raise _invalid(
                "end_number",
                "nothing is on paper for this end, so nothing was withdrawn",
                "Give the end and slot of an entry.",
            )
        return
    last = last_end(source, entries)
    allowed = last if head.state is SessionState.CLOSED else last + 1
    if end.end_number > allowed:
        end_or_none = f"the last end of this session is end {last}" if last else "no end of this session was shot"
        raise _invalid(
            "end_number",
            f"{end_or_none}, sighter ends included, and this is end {end.end_number}",
            f"Give a number up to {allowed}." if allowed else "A closed session without an end takes none.",
        )
    wrong = [value for value in end.values if value not in on_face]
    if wrong:
        raise _invalid(
            "values",
            f"the archer's face has no {wrong[0]}",
            "Give the values as they were called, X only where the face has one.",
        )
    if len(end.values) > arrows_per_end:
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
