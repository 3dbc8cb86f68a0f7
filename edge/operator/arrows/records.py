"""The registered arrows, and the one that an operator names by its label or the beginning of its UUID."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg

from edge.common.bounds import is_storable
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean, nearest
from edge.operator.arrows.sizes import SIZES, Sizes, normal_label
from edge.operator.lookup import FEWEST_CHARACTERS

LISTING: Final = "See `archstats-sensor arrow list --all`."


class ArrowState(StrEnum):
    """The state of an arrow and its tag."""

    REGISTERED = "registered"
    """Its UUID is in no tag."""
    UNKNOWN = "unknown"
    """Its UUID may be in a tag that this database does not know."""
    CLAIMED = "claimed"
    """A command that programs it was requested and has not ended."""
    UNFINISHED = "unfinished"
    """A write into its tag may have begun and is not proved."""
    ELSEWHERE = "elsewhere"
    """Its UUID is in a tag that was programmed elsewhere, and no scanner of this database has proved it."""
    PROGRAMMED = "programmed"
    LOCKED = "locked"
    """Programmed, and its tag can never be written again."""
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Arrow:
    """One registered arrow."""

    id: UUID
    """Its tag's EPC."""
    human_identifier: str
    """Label on the shaft."""
    length: float | None
    """Centimetres."""
    weight: float | None
    """Grams."""
    diameter: float | None
    """Shaft, millimetres."""
    spine: float | None
    label_position: float | None
    """Place of the tag on the shaft, centimetres."""
    is_programmed: bool
    is_locked: bool
    is_write_unfinished: bool
    is_tag_unknown: bool
    """The UUID may be in a tag that this database does not know: only a tag that holds it already is programmed."""
    tag_tid: str | None
    """Serial number of its tag, 24 hexadecimal digits; None for no tag, and for one that was programmed elsewhere."""
    programmed_at: datetime | None
    registration_date: datetime
    registered_by: str | None
    is_active: bool
    voided_date: datetime | None
    void_reason: str | None
    voided_by: str | None
    shots: int
    """Shots with it, without let-downs and voided ones."""

    @property
    def state(self) -> ArrowState:
        """The first that applies of voided, elsewhere, locked, programmed, unfinished, claimed, unknown and registered."""
        if not self.is_active:
            return ArrowState.VOIDED
        if self.is_programmed and self.is_tag_unknown:
            return ArrowState.ELSEWHERE
        if self.is_programmed:
            return ArrowState.LOCKED if self.is_locked else ArrowState.PROGRAMMED
        if self.is_write_unfinished:
            return ArrowState.UNFINISHED
        if self.tag_tid is not None:
            return ArrowState.CLAIMED
        return ArrowState.UNKNOWN if self.is_tag_unknown else ArrowState.REGISTERED

    @property
    def epc(self) -> str:
        """The UUID as its tag holds it: 32 lower-case hexadecimal digits."""
        return self.id.hex

    @property
    def sizes(self) -> Sizes:
        """Its sizes by their names."""
        return {size.name: getattr(self, size.name) for size in SIZES}


_ARROWS: Final = """
select a.id, a.human_identifier, a.length, a.weight, a.diameter, a.spine, a.label_position, a.is_programmed, a.is_locked,
    a.is_write_unfinished, a.is_tag_unknown, a.tag_tid, a.programmed_at, a.registration_date, a.registered_by, a.is_active, a.voided_date,
    a.void_reason, a.voided_by,
    (select count(*) from shots s where s.arrow_id = a.id and s.result not in ('void', 'not_shot')) as shots
from arrows a
"""


async def list_arrows(connection: Connection, *, with_voided: bool = False) -> list[Arrow]:
    """The active arrows in the order of their labels, with numbers in their natural order; voided ones follow."""
    await connection.fetchval("select expire_commands()")  # one that ended holds its tag no longer
    rows = await connection.fetch(f"{_ARROWS} where a.is_active or $1", with_voided)
    arrows = [Arrow(**row) for row in rows]
    return sorted(arrows, key=lambda one: (not one.is_active, _natural(one.human_identifier), one.registration_date))


async def find_arrow(connection: Connection, reference: str, *, voided_first: bool = False) -> Arrow:
    """The arrow with this label, or whose UUID begins like this.

    Of several with the label it is the active one, or with ``voided_first`` the one that was voided last. Raises CommandError
    when there is none, or several voided arrows had the label.
    """
    await connection.fetchval("select expire_commands()")
    reference = normal_label(reference)
    if is_storable(reference):
        rows = await connection.fetch(
            f"{_ARROWS} where a.human_identifier = $1 order by a.is_active desc, a.voided_date desc", reference
        )
        active = [row for row in rows if row["is_active"]]
        voided = [row for row in rows if not row["is_active"]]
        if voided_first and voided:
            return Arrow(**voided[0])
        if active:
            return Arrow(**active[0])
        if voided:
            return _only(reference, voided)
        if re.fullmatch(rf"[0-9a-fA-F-]{{{FEWEST_CHARACTERS},36}}", reference):
            rows = await connection.fetch(
                f"{_ARROWS} where replace(a.id::text, '-', '') like $1 limit 10",
                f"{reference.lower().replace('-', '')}%",
            )
            if rows:
                return _only(reference, rows)
    known = await connection.fetch("select human_identifier from arrows where is_active")
    near = nearest(reference, [row["human_identifier"] for row in known])
    raise CommandError(
        f"there is no arrow '{clean(reference, 40)}'", hint=(f"Did you mean {near}? " if near else "") + LISTING
    )


async def arrow_of_id(connection: Connection, identity: UUID) -> Arrow | None:
    """The arrow with this UUID; None for none."""
    row = await connection.fetchrow(f"{_ARROWS} where a.id = $1", identity)
    return None if row is None else Arrow(**row)


async def arrow_of_tag(connection: Connection, tid: str) -> Arrow | None:
    """The arrow for which a tag is claimed; None for none."""
    row = await connection.fetchrow(f"{_ARROWS} where a.tag_tid = $1", tid)
    return None if row is None else Arrow(**row)


def arrow_facts(arrow: Arrow) -> dict[str, object]:
    """An arrow for programs."""
    return {**asdict(arrow), "state": arrow.state}


def _only(reference: str, rows: Sequence[asyncpg.Record]) -> Arrow:
    if len(rows) > 1:
        lines = [f"  {row['id']}  {row['human_identifier']}" for row in rows]
        raise CommandError(
            f"more than one arrow is meant by '{reference}'", hint="\n".join(["Give the UUID of one of these:", *lines])
        )
    return Arrow(**rows[0])


def _natural(label: str) -> list[tuple[int, str]]:
    """A key that sorts A2 before A10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", label) if part]
