"""``archstats-sensor arrow program`` and ``verify``: the tag on the scanner, through the scanner's daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from edge.cli.commands.arrow.words import ArrowArgument
from edge.cli.commands.device_commands import ShownProgress
from edge.cli.commands.options import DatabaseDir, Json, Who, operator_name, storable
from edge.cli.keyboard import ended_by_signals, terminal
from edge.cli.operator_connection import on_database
from edge.common.config.errors import EXIT_REFUSED, CommandError, UsageError
from edge.common.console import as_json as json_object
from edge.common.console import complain, say
from edge.common.postgres.connection import Connection
from edge.operator.arrows.program import ProgrammedArrow, find_to_program, program_arrow
from edge.operator.arrows.records import Arrow, ArrowState, arrow_facts, find_arrow
from edge.operator.arrows.scanner import choose_scanner
from edge.operator.arrows.verify import verify_tag

EXIT_INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as of a shell: 128 and the signal's number."""
QUESTIONS: Final = 2
"""Questions before a lock; each --yes answers one."""

Device = Annotated[
    str | None, typer.Option(metavar="NAME", help="The scanner, such as arrow-1; the only one by default.")
]


def program_command(
    arrow: ArrowArgument,
    lock: Annotated[
        bool,
        typer.Option("--lock", help="Lock the tag afterwards, for ever: no reader can write it again. Asks twice."),
    ] = False,
    device: Device = None,
    yes: Annotated[
        int,
        typer.Option(
            "--yes", count=True, show_default=False, help="Answer a question of --lock; in a script give it twice."
        ),
    ] = 0,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Write an arrow's UUID into the tag on the pad, and prove it. A write that was interrupted is finished."""

    async def run(connection: Connection) -> None:
        found = await find_to_program(connection, arrow)
        scanner = await choose_scanner(connection, device)
        if lock:
            await _confirm_lock(connection, found, yes)
        complain(f"Put arrow {found.human_identifier} on {scanner.id}, and no other tag near it.")
        try:
            done = await program_arrow(connection, found, scanner.id, operator_name(who), ShownProgress(), lock=lock)
        except asyncio.CancelledError:
            complain(await _left_behind(connection, found))
            raise
        say(json_object(_facts(done)) if as_json else _done_line(done))

    _interruptible(run, database_dir)


def verify_command(
    arrow: Annotated[
        str | None,
        typer.Argument(
            metavar="[ARROW]", callback=storable, help="The arrow that it must be: label or beginning of its UUID."
        ),
    ] = None,
    device: Device = None,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Compare the tag on the scanner with the registered arrows. Writes nothing."""

    async def run(connection: Connection) -> None:
        expected = None if arrow is None else await find_arrow(connection, arrow)
        scanner = await choose_scanner(connection, device)
        name = "an arrow" if expected is None else f"arrow {expected.human_identifier}"
        complain(f"Put {name} on {scanner.id}, and no other tag near it.")
        found = await verify_tag(connection, scanner.id, operator_name(who), ShownProgress(), expected)
        if as_json:
            known = None if found.arrow is None else arrow_facts(found.arrow)
            say(
                json_object(
                    {"finding": found.finding, "tag": asdict(found.tag), "arrow": known, "text": found.sentence}
                )
            )
        elif found.is_right:
            say(found.sentence)
        else:
            complain(found.sentence)
        if not found.is_right:
            raise typer.Exit(EXIT_REFUSED)

    _interruptible(run, database_dir)


def _interruptible(work: Callable[[Connection], Awaitable[None]], database_dir: Path | None) -> None:
    """Do the work; Ctrl-C, SIGTERM and the end of the terminal cancel it, so that its command is cancelled too."""

    async def run(connection: Connection) -> None:
        with ended_by_signals():
            await work(connection)

    try:
        on_database(run, database_dir)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(EXIT_INTERRUPTED) from None


async def _confirm_lock(connection: Connection, arrow: Arrow, yes: int) -> None:
    """Ask twice whether the tag is to be locked. Raises UsageError without a terminal, CommandError when it is not."""
    label = arrow.human_identifier
    not_locked = CommandError(
        "the lock was not confirmed, so nothing was written", hint="Leave out --lock, or try again."
    )
    async with terminal() as keyboard:
        if yes < QUESTIONS and keyboard is None:
            raise UsageError(
                "--lock asks twice, and there is no terminal to answer on",
                hint="A locked tag can never be written again. If that is meant, give --yes twice.",
            )
        if yes < 1 and keyboard is not None:
            complain(
                f"--lock locks the tag of arrow {label} for ever: no reader can write it again. Lock it? Type yes:"
            )
            if (await keyboard.ask(connection)).lower() != "yes":
                raise not_locked
        if yes < QUESTIONS and keyboard is not None:
            complain(f"This cannot be undone. To lock it, type the label of the arrow, {label}:")
            if await keyboard.ask(connection) != label:
                raise not_locked


async def _left_behind(connection: Connection, arrow: Arrow) -> str:
    """The state of the arrow after its programming was cancelled."""
    present = await find_arrow(connection, str(arrow.id))
    label = present.human_identifier
    match present.state:
        case ArrowState.PROGRAMMED | ArrowState.LOCKED | ArrowState.ELSEWHERE:
            return f"Stopped. Arrow {label} is {present.state}."
        case ArrowState.UNFINISHED | ArrowState.CLAIMED:
            return (
                f"Stopped. The write of arrow {label} may have begun: keep tag {str(present.tag_tid).upper()} for it, and run "
                f"`archstats-sensor arrow program {label}` to finish it."
            )
    return f"Stopped. Nothing was written into the tag of arrow {label}."


def _done_line(done: ProgrammedArrow) -> str:
    """The outcome for people."""
    arrow, evidence = done.arrow, done.evidence
    how = "written, and read back twice" if done.was_written else "it was there already, and was read back twice"
    locked = ""
    if evidence.get("is_locked") is True:
        proof = evidence.get("lock_proof")
        locked = " It is locked for ever" + (f" ({proof})." if proof else ".")
    return f"Arrow {arrow.human_identifier} is programmed: tag {done.tag.tid.upper()}, EPC {arrow.epc.upper()}, {how}.{locked}"


def _facts(done: ProgrammedArrow) -> dict[str, object]:
    """The outcome for programs."""
    return {
        **arrow_facts(done.arrow),
        "epc": done.arrow.epc,
        "was_written": done.was_written,
        "command_id": done.command.id,
        "device_id": done.command.device_id,
        "evidence": dict(done.evidence),
    }
