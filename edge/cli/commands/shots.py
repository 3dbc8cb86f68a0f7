"""``archstats-sensor shots``: look at shots, correct them, compute them again."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.operator_connection import on_database
from edge.cli.recompute import settle
from edge.common.config.errors import EXIT_REFUSED
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.operator.judging import ask_rebuild, find_session, find_shot, list_shots, record
from edge.operator.rulings import Verdict, restored, ruled
from edge.operator.shot_format import list_line, shot_facts

app = typer.Typer(help="Shots: list them, correct them, compute them again.", no_args_is_help=True)

ShotArgument = Annotated[
    str, typer.Argument(metavar="SHOT", help="Its id, the first characters of it, or 'last': the newest one.")
]
Lane = Annotated[int | None, typer.Option(min=1, max=999, help="This lane's shots only.")]
Why = Annotated[str, typer.Option(help="The reason, for whoever asks later.")]
Who = Annotated[str | None, typer.Option(help="Who decides; who is logged in when not given.")]
DatabaseDir = Annotated[Path | None, typer.Option(help="Folder of the embedded PostgreSQL.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@app.command("list")
def list_command(
    lane: Lane = None,
    session: Annotated[
        str | None, typer.Option(help="This session's: its id, the first characters of it, or 'last': the newest one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 20,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the newest shots, voided ones too; the newest comes last."""

    async def run(connection: Connection) -> None:
        session_id = None if session is None else await find_session(connection, session)
        rows = await list_shots(connection, lane, session_id, limit)
        for row in rows:
            say(json_object(shot_facts(dict(row))) if as_json else list_line(dict(row)))
        if not rows and not as_json:
            say("No shot yet.")

    on_database(run, database_dir)


@app.command("correct")
def correct_command(
    shot: ShotArgument,
    why: Why,
    result: Annotated[
        str | None, typer.Option(help="hit, off_face, miss, unknown or not_shot; follows from --points when not given.")
    ] = None,
    points: Annotated[int | None, typer.Option(min=0, help="What it is worth.")] = None,
    is_x: Annotated[bool, typer.Option("--x", help="It is an X: the highest value, and counted as such.")] = False,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Decide what a shot is worth. Holds whatever is computed later; what was sensed stays as it is."""
    _decide(shot, lane, Verdict(result, points, is_x=is_x), why, who, as_json, database_dir)


@app.command("void")
def void_command(
    shot: ShotArgument,
    why: Why,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Take a shot out of all totals. It stays on record, with the reason; 'shots restore' takes that back."""
    _decide(shot, lane, Verdict("void", None), why, who, as_json, database_dir)


@app.command("restore")
def restore_command(
    shot: ShotArgument,
    why: Why,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Take back what was decided of a shot: it is again what the sensors say."""
    _decide(shot, lane, None, why, who, as_json, database_dir)


@app.command("rebuild")
def rebuild_command(
    session: Annotated[str, typer.Option(help="Its id, the first characters of it, or 'last': the newest one.")],
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Compute a session's shots again from its readings. Ids stay; only what comes out other than before is told as news."""

    async def run(connection: Connection) -> None:
        session_id = await find_session(connection, session)
        number = await ask_rebuild(connection, session_id, getpass.getuser())
        done = await settle(connection, session_id)
        row = await connection.fetchrow("select shots, revised from rebuilds where id = $1", number)
        shots, revised = (row["shots"], row["revised"]) if row else (None, None)
        if as_json:
            say(json_object({"session_id": str(session_id), "done": done, "shots": shots, "revised": revised}))
        elif done:
            say(f"session {session_id}: {shots} shots, {revised} of them revised")
        else:
            say(f"session {session_id}: {LATER}")
        if not done:
            raise typer.Exit(EXIT_REFUSED)

    on_database(run, database_dir)


LATER = "archstats-shots is busy; it is asked, and does it as soon as it can (archstats-sensor shots list shows when)"


def _decide(
    reference: str,
    lane: int | None,
    verdict: Verdict | None,
    why: str,
    who: str | None,
    as_json: bool,
    database_dir: Path | None,
) -> None:
    async def run(connection: Connection) -> None:
        row = await find_shot(connection, reference, lane, decided=verdict is None)
        by = who or getpass.getuser()
        decision = restored(row, by, why) if verdict is None else await ruled(connection, row, verdict, by, why)
        await record(connection, decision)
        done = await settle(connection, row["session_id"])
        now = await find_shot(connection, str(row["id"]))
        say(json_object({**shot_facts(dict(now)), "done": done}) if as_json else list_line(dict(now)))
        if not done and not as_json:
            say(f"Noted; {LATER}")

    on_database(run, database_dir)
