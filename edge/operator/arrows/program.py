"""Program the UUID of an arrow into the tag on the scanner.

The daemon returns the tag, the database decides whether it may be written and claims it when the write is requested, and the daemon
writes and proves it. The database marks the arrow programmed in the transaction that stores the proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CommandState, ErrorCode
from edge.operator.arrows.records import Arrow, arrow_of_id, arrow_of_tag, find_arrow
from edge.operator.arrows.scanner import WAIT_S, cause_and_remedy, inspect_tag
from edge.operator.arrows.tags import WRITABLE, InspectedTag, TagRelation, approve_tag, relation_error
from edge.operator.commands import DeviceCommand, Follow, Value, follow_command, request_command, require_done

PROGRAM: Final = "program_arrow"
"""Command that writes and proves an EPC; a trigger on ``commands`` knows it by this name."""
PROGRAMS_WITHIN_S: Final = 60.0
"""Deadline of a write with its proofs."""
CLAIMED_ONCE: Final = "arrows_by_tag"
"""The index that gives each tag to one arrow, also when two scanners claim it at the same instant."""


@dataclass(frozen=True, slots=True)
class ProgrammedArrow:
    """The outcome of a write that is proved."""

    arrow: Arrow
    command: DeviceCommand
    tag: InspectedTag
    """Before the write."""
    relation: TagRelation
    """Of that tag to the arrow."""

    @property
    def evidence(self) -> Mapping[str, Value]:
        """Values that the scanner read back."""
        return self.command.result or {}

    @property
    def was_written(self) -> bool:
        """False when the tag held the UUID already."""
        attempts = self.evidence.get("write_attempts")
        return self.evidence.get("written") is not False if attempts is None else attempts != 0


async def find_to_program(connection: Connection, reference: str) -> Arrow:
    """The arrow that an operator wants to program. Raises CommandError for none, and for a voided one."""
    arrow = await find_arrow(connection, reference)
    require_active(arrow)
    return arrow


def require_active(arrow: Arrow) -> None:
    """Raise CommandError for a voided arrow, which is not programmed. Pure."""
    if arrow.is_active or arrow.voided_date is None:
        return
    raise CommandError(
        f"arrow {arrow.human_identifier} was voided on {local(arrow.voided_date)}, so it is not programmed",
        hint=f"Restore it first (`archstats-sensor arrow restore {str(arrow.id)[:8]}`), or register a new arrow.",
    )


async def program_arrow(
    connection: Connection,
    arrow: Arrow,
    scanner_id: str,
    who: str,
    follow: Follow,
    *,
    lock: bool = False,
    wait_s: float = WAIT_S,
) -> ProgrammedArrow:
    """Write an arrow's UUID into the tag on the scanner, prove it, and with ``lock`` lock it for ever. Waits for a tag.

    Cancelling the task cancels the command and waits for its end; a write that was begun stays with its tag. Raises
    CommandError when the tag must not be written, or the write is not proved.
    """
    tag = await inspect_tag(connection, scanner_id, who, follow, wait_s)
    relation, command = await _request(connection, arrow, tag, scanner_id, who, lock=lock)
    try:
        command = await follow_command(connection, command, follow)
    except CommandError as fault:  # its daemon does not answer
        present = await arrow_of_id(connection, arrow.id)
        if present is None or present.is_programmed or present.tag_tid is None:
            raise  # it never ran, or only the lock or a check did
        raise CommandError(
            fault.message,
            hint=f"{fault.hint} The write may be unfinished: keep the tag for arrow {arrow.human_identifier}, and then run "
            f"`archstats-sensor arrow program {arrow.human_identifier}`.",
        ) from fault
    present = await arrow_of_id(connection, arrow.id) or arrow
    _require_proof(command, present)
    return ProgrammedArrow(present, command, tag, relation)


async def tag_neighbours(connection: Connection, tag: InspectedTag) -> tuple[Arrow | None, Arrow | None]:
    """The arrow whose UUID a tag holds, and the one for which it is claimed."""
    return await arrow_of_id(connection, tag.identity), await arrow_of_tag(connection, tag.tid)


async def _request(
    connection: Connection, arrow: Arrow, tag: InspectedTag, scanner_id: str, who: str, *, lock: bool
) -> tuple[TagRelation, DeviceCommand]:
    """Approve the tag and request the write, which claims the tag. The database refuses what is not approved here."""
    await connection.fetchval("select expire_commands()")  # an earlier request may still hold the claim
    try:
        async with connection.transaction():
            await connection.execute("select from arrows where id = $1 for update", arrow.id)
            arrow = await arrow_of_id(connection, arrow.id) or arrow
            holder, claimant = await tag_neighbours(connection, tag)
            relation = approve_tag(arrow, tag, holder, claimant)
            if relation not in WRITABLE:
                raise relation_error(relation, arrow, tag, holder, claimant)
            arguments: dict[str, Value] = {"epc": arrow.epc, "tid": tag.tid, "memory": tag.memory, "lock": lock}
            return relation, await request_command(
                connection, scanner_id, PROGRAM, arguments, who, deadline_s=PROGRAMS_WITHIN_S
            )
    except asyncpg.UniqueViolationError as fault:
        if fault.constraint_name != CLAIMED_ONCE:
            raise
        raise CommandError(
            "the tag on the scanner was claimed for another arrow meanwhile, so nothing was written",
            hint="Use one scanner for one arrow at a time.",
        ) from fault
    except asyncpg.RestrictViolationError as fault:
        raise CommandError(f"{fault.message}, so nothing was written", hint=fault.hint or "Try again.") from fault


def _require_proof(command: DeviceCommand, arrow: Arrow) -> None:
    """Raise CommandError unless the arrow is programmed, with what to do for the person who holds it."""
    if command.state is not CommandState.FAILED:
        require_done(command)
        if arrow.is_programmed:
            return
    label = arrow.human_identifier
    again = f"`archstats-sensor arrow program {label}`"
    cause, remedy = cause_and_remedy(command)
    what = f"arrow {label} is not programmed"
    if arrow.is_programmed and not arrow.is_tag_unknown:  # only the lock, or a check of a programmed tag, failed
        what, advice = f"the lock or the check of arrow {label} failed", f"It stays programmed. To try again: {again}."
    elif arrow.is_write_unfinished:
        advice = (
            f"The write may have begun and be unfinished. Keep the tag for this arrow: put it on the scanner and run {again}, "
            "which finishes the write."
        )
    elif arrow.is_tag_unknown:
        advice = f"The tag held its UUID before, and no other was written. To try again: {again}."
    else:
        advice = "Nothing was written." if remedy else f"Nothing was written. To try again: {again}."
        remedy = remedy.removeprefix("Nothing was written. ")
    evidence = f"Evidence: `archstats-sensor commands show {command.id}`."
    raise CommandError(
        f"{what}: {cause}", hint=" ".join(filter(None, (remedy, advice, evidence))), code=ErrorCode.DEVICE_FAILED
    )
