"""Change several values of an arrow at once, and remove one, as clients of the HTTP API do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import ErrorCode
from edge.operator.arrows.records import Arrow, arrow_of_id
from edge.operator.arrows.register import LABEL, label_holder, label_taken
from edge.operator.arrows.sizes import SIZES, label_fault, normal_label, size_faults

VISIBLE: Final = "(not is_removed or exists (select from shots where arrow_id = arrows.id))"
"""Condition of the arrows that the HTTP API shows: a removed one again when its tag was shot all the same."""
CHANGEABLE: Final = (
    LABEL, *(size.name for size in SIZES), "registration_date", "voided_date", "is_active", "is_programmed",
)  # fmt: skip
"""Values that a change may name: all but the UUID."""
UNCHANGED: Final = "Nothing was changed."


async def lock_arrow(connection: Connection, identity: UUID) -> Arrow:
    """The arrow with this UUID, which no other transaction changes before this one ends. Raises CommandError for none."""
    found = await connection.fetchval(f"select id from arrows where id = $1 and {VISIBLE} for update", identity)  # noqa: S608
    arrow = None if found is None else await arrow_of_id(connection, identity)
    if arrow is None:
        raise CommandError(
            f"arrow {identity} does not exist", hint="The list of arrows has all.", code=ErrorCode.NOT_FOUND
        )
    return arrow


async def amend_arrow(connection: Connection, arrow: Arrow, changes: Mapping[str, object], who: str) -> None:
    """Give a locked arrow the values of ``changes``, by the names of its columns; the others stay.

    ``is_active: false`` with a ``voided_date`` voids it, ``is_active: true`` with null restores it. ``is_programmed: true``
    notes that another program wrote its UUID into a tag. Raises UsageError for impossible values, CommandError when the label
    is another arrow's, and for a tag that the database knows better.
    """
    if not changes:
        raise UsageError("there is nothing to change", hint="Name a value.", code=ErrorCode.NO_FIELDS)
    wanted = {name: getattr(arrow, name) for name in CHANGEABLE} | dict(changes)
    wanted[LABEL] = normal_label(str(wanted[LABEL]).strip())
    _refuse_impossible(wanted)
    is_marked = _is_to_be_marked(
        arrow, is_programmed=bool(wanted["is_programmed"]), is_active=bool(wanted["is_active"])
    )
    await _update(connection, arrow, wanted, who)
    if is_marked and not await connection.fetchval("select mark_programmed_elsewhere($1)", arrow.id):
        raise CommandError(f"the tag of arrow {wanted[LABEL]} was claimed meanwhile", hint=f"{UNCHANGED} Try again.")


async def remove_arrow(connection: Connection, arrow: Arrow, who: str) -> None:
    """Hide a locked arrow, and free its label. Its UUID is never given again.

    Raises CommandError for an arrow with a shot, and for one whose UUID a scanner wrote into a tag or may have.
    """
    if await connection.fetchval("select remove_arrow($1, $2)", arrow.id, clean(who)):
        return
    reason = "has shots" if arrow.tag_tid is None else f"has the tag {arrow.tag_tid}"
    raise CommandError(
        f"arrow {arrow.human_identifier} {reason}, so it is not removed",
        hint="Void it instead: it keeps its shots, and its label is free.",
        code=ErrorCode.IN_USE,
    )


def consistent_void(*, is_active: bool, voided_date: datetime | None) -> None:
    """Raise UsageError unless an arrow is either active or has the instant at which it was voided. Pure."""
    if is_active and voided_date is not None:
        raise UsageError(
            "an active arrow has no voided_date", hint="Void it with is_active false as well.", field="voided_date"
        )
    if not is_active and voided_date is None:
        raise UsageError("a voided arrow needs a voided_date", hint="Give it an instant.", field="voided_date")


def _refuse_impossible(wanted: Mapping[str, object]) -> None:
    label = str(wanted[LABEL])
    if fault := label_fault(label):
        raise UsageError(fault.removesuffix("."), hint=UNCHANGED, field=LABEL)
    sizes = {size.name: value for size in SIZES if isinstance(value := wanted[size.name], float | int)}
    if faults := size_faults(sizes):
        raise UsageError(faults[0].removesuffix("."), hint=UNCHANGED)
    voided = wanted["voided_date"]
    consistent_void(is_active=bool(wanted["is_active"]), voided_date=voided if isinstance(voided, datetime) else None)


def _is_to_be_marked(arrow: Arrow, *, is_programmed: bool, is_active: bool) -> bool:
    """Whether an arrow is to be marked as programmed elsewhere. Raises CommandError where the database knows better."""
    if arrow.is_programmed == is_programmed:
        return False
    label = arrow.human_identifier
    if arrow.is_programmed:
        raise CommandError(
            f"the UUID of arrow {label} is in a tag, which cannot be undone",
            hint="If the tag is broken, void the arrow and register a new one.",
            field="is_programmed",
        )
    if arrow.tag_tid is not None:
        raise CommandError(
            f"arrow {label} belongs to tag {arrow.tag_tid}, into which a write is not proved yet",
            hint="Put it on the scanner and program it: that proves it.",
            field="is_programmed",
        )
    if not is_active:
        raise CommandError(
            f"arrow {label} is voided, so it is not programmed", hint="Restore it first.", field="is_programmed"
        )
    return True


async def _update(connection: Connection, arrow: Arrow, wanted: Mapping[str, object], who: str) -> None:
    columns = (LABEL, *(size.name for size in SIZES), "registration_date", "voided_date", "is_active")
    assigned = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
    kept = arrow.voided_by if not arrow.is_active else clean(who)
    why = arrow.void_reason if not arrow.is_active else None
    by, reason = (None, None) if wanted["is_active"] else (kept, why)
    try:
        async with connection.transaction():
            await connection.execute(
                f"update arrows set {assigned}, voided_by = ${len(columns) + 2}, void_reason = ${len(columns) + 3} where id = $1",  # noqa: S608
                arrow.id,
                *(wanted[name] for name in columns),
                by,
                reason,
            )
    except asyncpg.UniqueViolationError as fault:
        label = str(wanted[LABEL])
        holder = await label_holder(connection, label)
        raise label_taken(label, holder or arrow.id, "nothing was changed") from fault
