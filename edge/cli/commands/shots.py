"""``archstats-sensor shots``: list, correct and rebuild shots."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands.options import (
    DatabaseDir,
    Json,
    Lane,
    Reason,
    ShotArgument,
    Who,
    command_group,
    operator_name,
    rule_sets,
    storable,
)
from edge.cli.operator_connection import on_database
from edge.common.bounds import LARGEST_INT
from edge.common.config.errors import EXIT_REFUSED
from edge.common.console import as_json as json_object
from edge.common.console import complain, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import Result
from edge.operator.corrections import ScoreCorrection, correct_shot, parse_result, restore_shot
from edge.operator.lookup import LAST
from edge.operator.rebuilds import await_rebuild, rebuild_session
from edge.operator.rescoring import Rescore, RescoredValue, basis_changes, rescore_session
from edge.operator.shot_format import list_line, score_text, shot_facts
from edge.operator.shots import ShotSummary, find_session, find_shot, list_shots

LATER = "archstats-shots is busy and computes it as soon as it can; see `archstats-sensor shots list`."

app = command_group("Shots: list, correct, rebuild and rescore them.")


@app.command("list")
def list_command(
    lane: Lane = None,
    session: Annotated[
        str | None,
        typer.Option(help="Only this session: its id, the first characters of it, or 'last' for the newest."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of shots, the newest.")] = 20,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the newest shots, void ones too; the newest is last."""

    async def run(connection: Connection) -> None:
        chosen = None if session is None else await find_session(connection, session, "shots list --session", lane)
        if session == LAST:
            complain(str(chosen))
        shots = await list_shots(connection, lane, None if chosen is None else chosen.id, limit)
        for shot in shots:
            say(json_object(shot_facts(shot)) if as_json else list_line(shot))
        if not shots and not as_json:
            say("No shot yet.")

    on_database(run, database_dir)


@app.command("correct")
def correct_command(
    shot: ShotArgument,
    why: Reason,
    result: Annotated[
        str | None, typer.Option(help="hit, off_face, miss, unknown or not_shot; follows from --points by default.")
    ] = None,
    points: Annotated[int | None, typer.Option(min=0, max=LARGEST_INT, help="Points of the shot.")] = None,
    is_x: Annotated[bool, typer.Option("--x", help="The shot is an X and has the highest value.")] = False,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Correct the score of a shot. The correction outlives every rebuild; measured values never change."""
    score = ScoreCorrection(parse_result(result) if result else None, points, is_x=is_x)

    async def correct(connection: Connection, found: ShotSummary, name: str) -> None:
        await correct_shot(connection, found, score, name, why)

    _change(shot, lane, correct, who, as_json=as_json, database_dir=database_dir)


@app.command("void")
def void_command(
    shot: ShotArgument,
    why: Reason,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Take a shot out of all totals. It stays on record with the reason; 'shots restore' takes that back."""

    async def void(connection: Connection, found: ShotSummary, name: str) -> None:
        await correct_shot(connection, found, ScoreCorrection(Result.VOID, None), name, why)

    _change(shot, lane, void, who, as_json=as_json, database_dir=database_dir)


@app.command("restore")
def restore_command(
    shot: ShotArgument,
    why: Reason,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Take back all corrections of a shot. It has the measured value again."""

    async def restore(connection: Connection, found: ShotSummary, name: str) -> None:
        await restore_shot(connection, found, name, why)

    _change(shot, lane, restore, who, corrected=True, as_json=as_json, database_dir=database_dir)


@app.command("rebuild")
def rebuild_command(
    session: Annotated[
        str, typer.Option(help="Id of the session, the first characters of it, or 'last' for the newest.")
    ],
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Compute a session's shots again from its readings. Ids stay, and only changed shots are revised."""

    async def run(connection: Connection) -> None:
        chosen = await find_session(connection, session, "shots rebuild --session")
        if session == LAST:
            complain(str(chosen))
        result = await rebuild_session(connection, chosen.id, operator_name())
        if as_json:
            facts = {"session_id": str(result.session_id), "done": result.done}
            say(json_object({**facts, "shots": result.shots, "revised": result.revised}))
        elif result.done:
            say(f"session {result.session_id}: {result.shots} shots, {result.revised} of them revised")
        else:
            say(f"session {result.session_id}: {LATER}")
        if not result.done:
            raise typer.Exit(EXIT_REFUSED)

    on_database(run, database_dir)


@app.command("rescore")
def rescore_command(
    session: Annotated[
        str, typer.Option(help="Id of the session, the first characters of it, or 'last' for the newest.")
    ],
    why: Annotated[str, typer.Option("--why", "--reason", callback=storable, help="Reason, kept with the rescore.")],
    rules: Annotated[
        str | None,
        typer.Option(
            help="Other rules, such as wa_x11, or an earlier version like wa@1; the session's own by default.",
            autocompletion=rule_sets,
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="ID|active|landing",
            help="A calibration of the session's target, the active ones, or those active at the landing.",
        ),
    ] = None,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Score a session anew: other rules, faces or calibration.

    Its shots are derived by the present versions of its rules and faces. Corrections stay as they are.
    """

    async def run(connection: Connection) -> None:
        chosen = await find_session(connection, session, "shots rescore --session")
        if session == LAST:
            complain(str(chosen))
        name = operator_name(who)
        rescore = await rescore_session(connection, chosen.id, name, why, rules, calibration)
        if as_json:
            say(json_object(rescore_facts(rescore)))
        else:
            for line in rescore_lines(rescore):
                say(line)
        if not rescore.done:
            if not as_json:
                say(f"The rescore is recorded; {LATER}")
            raise typer.Exit(EXIT_REFUSED)

    on_database(run, database_dir)


def rescore_lines(rescore: Rescore) -> Iterator[str]:
    """A rescore for people: what the shots are derived by, the total, and each shot that changed. Pure."""
    session = f"session {rescore.session_id}"
    if rescore.is_unchanged:
        yield f"{session}: nothing changed, {rescore.new_total} points of {rescore.shots} shots"
        return
    total = f"{rescore.old_total} -> {rescore.new_total} points"
    yield f"{session}: {total}, {len(rescore.changed)} of {rescore.shots} shots changed"
    for change in basis_changes(rescore.old, rescore.new):
        yield f"  {change}"
    for i, (old, new) in rescore.changed.items():
        end = "-" if new.end_number is None else new.end_number
        before, after = (f"{score_text(one.result, one.points, is_x=one.is_x)} ({worth(one)})" for one in (old, new))
        moved = " moved" if (old.x, old.y) != (new.x, new.y) else ""
        yield f"  {str(i)[:8]}  end {end}  {before} -> {after}{moved}"


def worth(value: RescoredValue) -> str:
    """The points of a shot, as text."""
    return "-" if value.points is None else str(value.points)


def rescore_facts(rescore: Rescore) -> dict[str, object]:
    """A rescore for programs. Pure."""
    changed = [{"id": i, "old": asdict(old), "new": asdict(new)} for i, (old, new) in rescore.changed.items()]
    old = {**asdict(rescore.old), "total": rescore.old_total}
    new = {**asdict(rescore.new), "total": rescore.new_total}
    facts = {"session_id": rescore.session_id, "done": rescore.done, "shots": rescore.shots}
    return {**facts, "old": old, "new": new, "changed": changed}


def _change(
    reference: str,
    lane: int | None,
    change: Callable[[Connection, ShotSummary, str], Awaitable[None]],
    who: str | None,
    *,
    corrected: bool = False,
    as_json: bool,
    database_dir: Path | None,
) -> None:
    """Record a correction of one shot, wait for its rebuild, and print the shot."""

    async def run(connection: Connection) -> None:
        before = await find_shot(connection, reference, lane, corrected=corrected)
        await change(connection, before, operator_name(who))
        done = await await_rebuild(connection, before.session_id)
        after = await find_shot(connection, str(before.id))
        say(json_object({**shot_facts(after), "done": done}) if as_json else list_line(after))
        if not done and not as_json:
            say(f"The correction is recorded; {LATER}")

    on_database(run, database_dir)
