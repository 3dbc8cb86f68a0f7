"""Register arrows: each gets a new UUID, which is its own for good."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import ErrorCode
from edge.operator.arrows.records import Arrow, arrow_of_id
from edge.operator.arrows.sizes import SIZES, Sizes, label_fault, normal_label, size_faults

MOST_AT_ONCE: Final = 500
"""Most arrows that one command registers."""
LABEL: Final = "human_identifier"
"""The column of labels."""
LABEL_INDEX: Final = "arrows_active_identifier"
"""The index that keeps labels of active arrows unique."""


@dataclass(frozen=True, slots=True)
class NewArrow:
    """An arrow that is to be registered."""

    label: str
    sizes: Sizes = field(default_factory=dict)
    id: UUID | None = None
    """The UUID that it gets, or has in its tag; a new one for None."""
    is_tag_unknown: bool = False
    """A tag may hold the UUID already."""
    is_programmed: bool = False
    """Its tag was programmed elsewhere."""
    registered_at: datetime | None = None
    """The present instant for None."""
    voided_at: datetime | None = None
    """None for an active arrow."""


def labels_from(first: str, count: int) -> Sequence[str]:
    """``count`` labels from ``first`` on: A01 gives A01, A02, A03. A label without a number gets one when there are several.

    Raises UsageError for a label that no arrow can have. Pure.
    """
    first = normal_label(first)
    labels = [first]
    if count > 1:
        stem, digits = re.fullmatch(r"(.*?)([0-9]*)", first, re.DOTALL).groups()  # type: ignore[union-attr]
        start, width = (int(digits), len(digits)) if digits else (1, len(str(count)))
        labels = [f"{stem}{number:0{width}}" for number in range(start, start + count)]
    fault = next(filter(None, map(label_fault, labels)), None)
    if fault:
        raise UsageError(fault.removesuffix("."), hint="Give another label, or a smaller count.")
    return labels


async def register_arrows(connection: Connection, arrows: Sequence[NewArrow], who: str) -> list[Arrow]:
    """Register arrows, all or none. Raises UsageError for impossible values, CommandError when a label or a UUID is taken."""
    for arrow in arrows:
        of_label = label_fault(arrow.label)
        fault = of_label or next(iter(size_faults(arrow.sizes)), None)
        if fault:
            field = LABEL if of_label else None
            raise UsageError(fault.removesuffix("."), hint="Correct it; nothing was registered.", field=field)
    rows = [(one.id or uuid4(), one) for one in arrows]
    columns = [size.name for size in SIZES]
    try:
        async with connection.transaction():
            await _refuse_taken(connection, [one.label for one in arrows if one.voided_at is None])
            await connection.executemany(
                f"""
                insert into arrows (id, human_identifier, is_programmed, is_tag_unknown, registered_by, registration_date,
                    voided_date, is_active, {", ".join(columns)})
                values ($1, $2, $3, $4, $5, coalesce($6::timestamptz, now()), $7::timestamptz, $7::timestamptz is null,
                    $8, $9, $10, $11, $12)
                """,  # noqa: S608 - fixed names
                [
                    (
                        identity,
                        one.label,
                        one.is_programmed,
                        one.is_tag_unknown,
                        clean(who),
                        one.registered_at,
                        one.voided_at,
                        *(one.sizes.get(name) for name in columns),
                    )
                    for identity, one in rows
                ],
            )
    except asyncpg.UniqueViolationError as fault:
        if fault.constraint_name == LABEL_INDEX:
            raise CommandError(
                "one of the labels was taken meanwhile, so nothing was registered",
                hint="Run the command again.",
                code=ErrorCode.IDENTIFIER_IN_USE,
                field=LABEL,
            ) from fault
        raise CommandError(
            "one of the UUIDs is that of another arrow, so nothing was registered",
            hint="See `archstats-sensor arrow list --all`: a UUID is never given twice, not even that of a voided arrow.",
            code=ErrorCode.ALREADY_EXISTS,
            field="id",
        ) from fault
    found = [await arrow_of_id(connection, identity) for identity, _ in rows]
    return [arrow for arrow in found if arrow is not None]


def label_taken(label: str, holder: UUID, consequence: str, way_out: str = "Give another label") -> CommandError:
    """The error for a label that an active arrow bears; ``way_out`` is for the arrow that was to bear it."""
    return CommandError(
        f"the label {label} is on another arrow already ({str(holder)[:8]}), so {consequence}",
        hint=f"{way_out}, or void the other arrow: `archstats-sensor arrow void {str(holder)[:8]} --reason TEXT`.",
        code=ErrorCode.IDENTIFIER_IN_USE,
        field=LABEL,
    )


async def label_holder(connection: Connection, label: str) -> UUID | None:
    """The active arrow with this label; None for none."""
    holder: UUID | None = await connection.fetchval(
        "select id from arrows where is_active and human_identifier = $1", label
    )
    return holder


async def _refuse_taken(connection: Connection, labels: Sequence[str]) -> None:
    double = next((label for label in labels if labels.count(label) > 1), None)
    if double is not None:
        raise UsageError(
            f"the label {double} is given twice, so nothing was registered", hint="Give each arrow its own."
        )
    taken = await connection.fetch(
        "select human_identifier, id from arrows where is_active and human_identifier = any($1) order by 1",
        list(labels),
    )
    if len(taken) == 1:
        raise label_taken(taken[0]["human_identifier"], taken[0]["id"], "nothing was registered")
    if taken:
        named = ", ".join(row["human_identifier"] for row in taken)
        raise CommandError(
            f"the labels {named} are on other arrows already, so nothing was registered",
            hint="Give other labels, or void those arrows: see `archstats-sensor arrow list`.",
        )
