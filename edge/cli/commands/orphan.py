"""``archstats-sensor orphan``: list and settle landings that no release explains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Json, Lane, Reason, Who, command_group, operator_name
from edge.cli.commands.shots import LATER
from edge.cli.operator_connection import on_database
from edge.common.console import as_json as json_object
from edge.common.console import local, say
from edge.common.postgres.connection import Connection
from edge.operator.orphans import Orphan, assign_orphan, find_orphan, list_orphans, reopen_orphan, void_orphan
from edge.operator.rebuilds import await_rebuild
from edge.operator.shots import find_shot

ORPHAN_KEYS = ("id", "session_id", "lane", "status", "shot_id", "at", "x", "y", "tag", "human_identifier")

OrphanArgument = Annotated[
    str,
    typer.Argument(
        metavar="ORPHAN", help="Id of the orphan, the first characters of it, or 'last' for the newest open one."
    ),
]

app = command_group(
    "Landings that no release explains: list and assign them. They count in no total until an operator assigns them."
)


@app.command("list")
def list_command(
    lane: Lane = None,
    everything: Annotated[bool, typer.Option("--all", help="Also assigned and voided ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of orphans, the newest.")] = 50,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the open orphans; the newest is last."""

    async def run(connection: Connection) -> None:
        orphans = await list_orphans(connection, lane, settled=everything, limit=limit)
        for orphan in orphans:
            say(json_object(orphan_facts(orphan)) if as_json else orphan_line(orphan))
        if not orphans and not as_json:
            say("No open orphan.")

    on_database(run, database_dir)


@app.command("assign")
def assign_command(
    orphan: OrphanArgument,
    why: Reason,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="SHOT", help="The shot that made the landing: its id, the first characters of it, or 'last'."
        ),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="The landing is a shot of its own, whose release no bow sensor detected.")
    ] = False,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Assign a landing to a shot, or make it a shot of its own."""
    if (to is None) != alone:
        raise typer.BadParameter("give either --to SHOT or --alone")

    async def assign(connection: Connection, found: Orphan, name: str) -> None:
        shot = None if to is None else await find_shot(connection, to, found.lane)
        await assign_orphan(connection, found, shot, name, why)

    _change(orphan, assign, who, as_json=as_json, database_dir=database_dir)


@app.command("void")
def void_command(
    orphan: OrphanArgument, why: Reason, who: Who = None, as_json: Json = False, database_dir: DatabaseDir = None
) -> None:
    """Record that no arrow made this landing. For example a fly, a hammer, an arrow pulled out."""

    async def void(connection: Connection, found: Orphan, name: str) -> None:
        await void_orphan(connection, found, name, why)

    _change(orphan, void, who, as_json=as_json, database_dir=database_dir)


@app.command("reopen")
def reopen_command(
    orphan: OrphanArgument, why: Reason, who: Who = None, as_json: Json = False, database_dir: DatabaseDir = None
) -> None:
    """Take back all corrections of a landing. It is open again, unless a release explains it."""

    async def reopen(connection: Connection, found: Orphan, name: str) -> None:
        await reopen_orphan(connection, found, name, why)

    _change(orphan, reopen, who, settled=True, as_json=as_json, database_dir=database_dir)


def _change(
    reference: str,
    change: Callable[[Connection, Orphan, str], Awaitable[None]],
    who: str | None,
    *,
    settled: bool = False,
    as_json: bool,
    database_dir: Path | None,
) -> None:
    """Record a correction of one orphan, wait for the rebuild, and print the orphan."""

    async def run(connection: Connection) -> None:
        before = await find_orphan(connection, reference, settled=settled)
        await change(connection, before, operator_name(who))
        done = await await_rebuild(connection, before.session_id)
        after = await find_orphan(connection, str(before.id)) if done else before
        say(json_object({**orphan_facts(after), "done": done}) if as_json else orphan_line(after))
        if not done and not as_json:
            say(f"The correction is recorded; {LATER}")

    on_database(run, database_dir)


def orphan_facts(orphan: Orphan) -> dict[str, object]:
    """An orphan for programs."""
    return {key: getattr(orphan, key) for key in ORPHAN_KEYS}


def orphan_line(orphan: Orphan) -> str:
    """An orphan for people: the beginning of its id, time, lane, arrow, place and status."""
    name = orphan.human_identifier or (orphan.tag or "?")[:8]
    place = f"at {orphan.x:7.1f} {orphan.y:7.1f} mm" if orphan.x is not None else "no position"
    status = f"{orphan.status} to {str(orphan.shot_id)[:8]}" if orphan.shot_id else str(orphan.status)
    return "  ".join([str(orphan.id)[:8], local(orphan.at), f"lane {orphan.lane}", f"{name:>8}", place, status])
