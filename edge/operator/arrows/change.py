"""Correct the label and the sizes of an arrow, void it, and make it active again. Its UUID stays."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError, UsageError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import ErrorCode
from edge.operator.arrows.records import Arrow, arrow_of_id
from edge.operator.arrows.register import label_holder, label_taken
from edge.operator.arrows.sizes import SIZES, Sizes, label_fault, normal_label, size_faults

UNCHANGED: Final = "nothing was changed"


async def change_arrow(
    connection: Connection, arrow: Arrow, label: str | None = None, sizes: Sizes | None = None
) -> Arrow:
    """Give an arrow another label, or other sizes; a size that is None is not known from now on.

    Raises UsageError for no change or an impossible one, CommandError when another arrow has the label.
    """
    label = None if label is None else normal_label(label)
    changed = {**arrow.sizes, **(sizes or {})}
    if label is None and not sizes:
        raise UsageError("there is nothing to change", hint="Give a value: see `archstats-sensor arrow change --help`.")
    fault = (label_fault(label) if label is not None else None) or next(iter(size_faults(changed)), None)
    if fault:
        raise UsageError(fault.removesuffix("."), hint=f"Correct it; {UNCHANGED}.")
    wanted = arrow.human_identifier if label is None else label
    columns = ", ".join(f"{size.name} = ${place}" for place, size in enumerate(SIZES, 3))
    try:
        await connection.execute(
            f"update arrows set human_identifier = $2, {columns} where id = $1",  # noqa: S608 - fixed names
            arrow.id,
            wanted,
            *(changed[size.name] for size in SIZES),
        )
    except asyncpg.UniqueViolationError as violation:
        raise await _taken(connection, wanted, UNCHANGED, "Give another label") from violation
    return await _present(connection, arrow.id)


async def void_arrow(connection: Connection, arrow: Arrow, who: str, reason: str) -> Arrow:
    """Retire an arrow: its shots stay its own, and its label is free.

    Raises UsageError without a reason, CommandError when it is voided already.
    """
    if not reason.strip():
        raise UsageError("an arrow is voided for a reason", hint="Give --reason some text.")
    done = await connection.fetchval(
        """
        update arrows set is_active = false, voided_date = clock_timestamp(), void_reason = $2, voided_by = $3
        where id = $1 and is_active returning id
        """,
        arrow.id,
        clean(reason),
        clean(who),
    )
    present = await _present(connection, arrow.id)
    if done is None and present.voided_date is not None:
        by = "" if present.voided_by is None else f" by {present.voided_by}"
        why = "" if present.void_reason is None else f", reason: {present.void_reason}"
        raise CommandError(
            f"arrow {arrow.human_identifier} was voided already, on {local(present.voided_date)}{by}{why}",
            hint=f"To make it active again: `archstats-sensor arrow restore {str(arrow.id)[:8]}`.",
        )
    return present


async def restore_arrow(connection: Connection, arrow: Arrow) -> Arrow:
    """Make a voided arrow active again. Raises CommandError when it is active, or another arrow has its label by now."""
    if arrow.is_active:
        raise CommandError(
            f"arrow {arrow.human_identifier} is active, so {UNCHANGED}", hint="Only a voided arrow is restored."
        )
    try:
        await connection.execute(
            "update arrows set is_active = true, is_removed = false, voided_date = null, void_reason = null, voided_by = null "
            "where id = $1",
            arrow.id,
        )
    except asyncpg.UniqueViolationError as violation:
        rename = f"Give this arrow another label first: `archstats-sensor arrow change {str(arrow.id)[:8]} --label NEW`"
        raise await _taken(connection, arrow.human_identifier, "this arrow stays voided", rename) from violation
    return await _present(connection, arrow.id)


async def _taken(connection: Connection, label: str, consequence: str, way_out: str) -> CommandError:
    holder = await label_holder(connection, label)
    if holder is None:  # it was voided at this moment
        return CommandError(f"the label {label} was on another arrow, so {consequence}", hint="Run the command again.")
    return label_taken(label, holder, consequence, way_out)


async def _present(connection: Connection, identity: UUID) -> Arrow:
    found = await arrow_of_id(connection, identity)
    if found is None:
        raise CommandError(
            f"there is no arrow {identity}", hint="See `archstats-sensor arrow list --all`.", code=ErrorCode.NOT_FOUND
        )
    return found
