"""``archstats-sensor orphan``: landings that no release explains, and what a person makes of them."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import asyncpg
import typer

from edge.cli.commands.shots import LATER, DatabaseDir, Json, Who, Why
from edge.cli.operator_connection import on_database
from edge.cli.recompute import settle
from edge.common.config.errors import CommandError
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.operator.judging import Decision, Kind, find_orphan, find_shot, list_orphans, record

app = typer.Typer(
    help="Landings that no release explains: they count in no total until a person says whose they are.",
    no_args_is_help=True,
)

OrphanArgument = Annotated[
    str, typer.Argument(metavar="ORPHAN", help="Its id, the first characters of it, or 'last': the newest open one.")
]
ORPHAN_KEYS = ("id", "session_id", "lane", "status", "shot_id", "at", "x", "y", "tag", "human_identifier")


@app.command("list")
def list_command(
    lane: Annotated[int | None, typer.Option(min=1, max=999, help="This lane's only.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were dealt with.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 50,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the landings that wait for a person; the newest comes last."""

    async def run(connection: Connection) -> None:
        rows = await list_orphans(connection, lane, settled=everything, limit=limit)
        for row in rows:
            say(json_object(facts(dict(row))) if as_json else line(dict(row)))
        if not rows and not as_json:
            say("No landing waits for a person.")

    on_database(run, database_dir)


@app.command("assign")
def assign_command(
    orphan: OrphanArgument,
    why: Why,
    to: Annotated[
        str | None,
        typer.Option(metavar="SHOT", help="Whose landing it is: the id of a shot, its beginning, or 'last'."),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="It is a shot of its own, whose release nobody sensed.")
    ] = False,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Say whose landing it is: that of a shot (--to SHOT), or of a shot that was not sensed at the bow (--alone)."""
    if (to is None) != alone:
        raise typer.BadParameter("say either --to SHOT or --alone")

    async def run(connection: Connection) -> None:
        row = await find_orphan(connection, orphan)
        release = None if to is None else release_of(await find_shot(connection, to), row)
        await _decide(connection, row, "assign", who, why, {"release": release}, as_json=as_json)

    on_database(run, database_dir)


@app.command("void")
def void_command(
    orphan: OrphanArgument, why: Why, who: Who = None, as_json: Json = False, database_dir: DatabaseDir = None
) -> None:
    """Say that no arrow made this landing: a fly, a hammer, an arrow pulled out."""

    async def run(connection: Connection) -> None:
        await _decide(connection, await find_orphan(connection, orphan), "dismiss", who, why, {}, as_json=as_json)

    on_database(run, database_dir)


@app.command("reopen")
def reopen_command(
    orphan: OrphanArgument, why: Why, who: Who = None, as_json: Json = False, database_dir: DatabaseDir = None
) -> None:
    """Take back what was said of a landing: it waits for a person again, unless a release explains it."""

    async def run(connection: Connection) -> None:
        row = await find_orphan(connection, orphan, settled=True)
        if row["status"] == "open":
            raise CommandError(f"nothing was said of landing {row['id']} yet", hint="Assign it or void it")
        await _decide(connection, row, "reopen", who, why, {}, as_json=as_json)

    on_database(run, database_dir)


async def _decide(
    connection: Connection,
    orphan: asyncpg.Record,
    kind: Kind,
    who: str | None,
    why: str,
    new: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    decision = Decision(
        orphan["session_id"],
        kind,
        orphan["device_id"],
        orphan["stream_id"],
        orphan["seq"],
        who or getpass.getuser(),
        why,
        old={"status": orphan["status"], "shot_id": orphan["shot_id"]},
        new=new,
    )
    await record(connection, decision)
    done = await settle(connection, orphan["session_id"])
    now = await find_orphan(connection, str(orphan["id"])) if done else orphan
    say(json_object({**facts(dict(now)), "done": done}) if as_json else line(dict(now)))
    if not done and not as_json:
        say(f"Noted; {LATER}")


def release_of(shot: asyncpg.Record, orphan: asyncpg.Record) -> dict[str, object]:
    """The release that a landing is given. Raises Refused when the shot cannot take it."""
    if shot["session_id"] != orphan["session_id"]:
        raise CommandError(
            f"shot {shot['id']} is of another session than the landing", hint="See: archstats-sensor shots list"
        )
    if shot["release_seq"] is None:
        raise CommandError(
            f"shot {shot['id']} has no release", hint="It is a landing itself; correct it with: shots correct"
        )
    if shot["landing_seq"] is not None:
        raise CommandError(
            f"shot {shot['id']} has a landing already",
            hint="If its value is wrong, correct that: archstats-sensor shots correct",
        )
    return {role: shot[f"release_{role}"] for role in ("device_id", "stream_id", "seq")}


def facts(orphan: Mapping[str, object]) -> dict[str, object]:
    """An orphan for programs."""
    return {key: orphan[key] for key in ORPHAN_KEYS}


def line(orphan: Mapping[str, object]) -> str:
    """An orphan for people: the beginning of its id, when, where, which arrow, and what became of it."""
    at = orphan["at"]
    clock = f"{at:%Y-%m-%d %H:%M:%S}" if isinstance(at, datetime) else "?"
    name = orphan["human_identifier"] or str(orphan["tag"] or "?")[:8]
    place = f"at {orphan['x']:7.1f} {orphan['y']:7.1f} mm" if orphan["x"] is not None else "nowhere"
    became = f"{orphan['status']} to {str(orphan['shot_id'])[:8]}" if orphan["shot_id"] else str(orphan["status"])
    return "  ".join([str(orphan["id"])[:8], clock, f"lane {orphan['lane']}", f"{name:>8}", place, became])
