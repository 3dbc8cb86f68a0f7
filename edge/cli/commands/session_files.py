"""``session export``, ``history`` and ``paper``: a session in files, past sessions, and a second scorer's ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from edge.cli.commands.options import DatabaseDir, Json, Lane, Who, operator_name, storable
from edge.cli.operator_connection import on_database
from edge.common.config.errors import EXIT_REFUSED
from edge.common.console import as_json as json_object
from edge.common.console import complain, local, say
from edge.common.output_file import write_output
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import SlotLetter
from edge.operator.export.documents import OF_HUB, Document, document_text, own_stylesheet
from edge.operator.export.files import json_text
from edge.operator.export.history import LIMIT, MOST, HistoryFilter, PastSession, read_history
from edge.operator.export.words import Language, language_of_environment
from edge.operator.lookup import LAST
from edge.operator.paper.compare import ComparedEnd, parse_values
from edge.operator.paper.entries import NewPaperEnd, enter_end, read_compared
from edge.operator.shots import find_session

SessionArgument = Annotated[
    str,
    typer.Argument(
        metavar="SESSION", help="Id of the session, the first characters of it, or 'last' for the open or newest one."
    ),
]


Output = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The file; '-' for standard output. Named by lane and day by default."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
NAME_FIRST: Final = "--name-first"
"""Hidden option by which the installed command gets the name of the file (``edge.installer.command``; compared by a test)."""
Named = Annotated[bool, typer.Option(NAME_FIRST, hidden=True, help="Begin with a line that names the file.")]
Speaks = Annotated[Language | None, typer.Option(help="Language of a page to print; that of the terminal by default.")]


def export_command(
    session: SessionArgument = LAST,
    kind: Annotated[
        Document,
        typer.Option(
            "--as",
            help="csv: every shot. ends: the ends of each archer. json: both. scoresheet, certificate: a page to print. "
            "certificate-json: the certificate for programs.",
        ),
    ] = Document.CSV,
    output: Output = None,
    force: Force = False,
    language: Speaks = None,
    lane: Lane = None,
    named: Named = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Write a session to a file, or a page of it to print."""
    _export(session, kind, output, force, language, lane, database_dir, named=named)


def certificate_command(
    session: SessionArgument = LAST,
    output: Output = None,
    force: Force = False,
    language: Speaks = None,
    lane: Lane = None,
    as_json: Json = False,
    named: Named = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Write the certificate of a session: what its devices saw."""
    kind = Document.CERTIFICATE_JSON if as_json else Document.CERTIFICATE
    _export(session, kind, output or (Path("-") if as_json else None), force, language, lane, database_dir, named=named)


def _export(
    session: str, kind: Document, output: Path | None, force: bool, language: Language | None, lane: int | None,
    folder: Path | None, *, named: bool,
) -> None:  # fmt: skip
    async def run(connection: Connection) -> None:
        chosen = await find_session(connection, session, "session export", lane)
        spoken = language or language_of_environment(os.environ)
        text, name = await document_text(connection, chosen.id, kind, spoken, own_stylesheet())
        if output == Path("-"):
            if named:
                sys.stdout.buffer.write(f"{name}\n".encode())
            sys.stdout.buffer.write(text.encode() + b"\n" * (not text.endswith("\n")))
            sys.stdout.flush()
            return
        path = output or Path(name)
        write_output(path, text.encode(), force=force)
        complain(f"{chosen}: written to {path}")

    on_database(run, folder, at_centre=kind not in OF_HUB)


def paper_command(
    session: SessionArgument = LAST,
    values: Annotated[
        str | None, typer.Argument(metavar="VALUES", help="Values as called, such as X,10,9; none to compare the ends.")
    ] = None,
    end: Annotated[
        int | None, typer.Option(min=1, max=9_000, help="Number of the end on the score sheet, sighters not counted.")
    ] = None,
    slot: Annotated[SlotLetter | None, typer.Option(help="The archer's slot, where the session has slots.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back what was entered for --end.")] = False,
    who: Who = None,
    lane: Lane = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Enter an end of a second scorer, or compare all of them.

    Differences between paper and sensors end with status 1.
    """
    if (values is None and not withdraw) != (end is None) or (values is not None and withdraw):
        raise typer.BadParameter("give --end with VALUES or with --withdraw, or none of them to compare the ends")
    called = [] if withdraw else None if values is None else parse_values(values)

    async def run(connection: Connection) -> None:
        chosen = await find_session(connection, session, "session paper", lane)
        compared = await read_compared(connection, chosen.id)
        sighters = compared.source.facts.sighter_ends
        number = None if end is None else end + sighters
        if called is not None and number is not None:
            await enter_end(connection, chosen.id, NewPaperEnd(slot, number, called), operator_name(who))
            compared = await read_compared(connection, chosen.id)
        wanted = [one for one in compared.ends if one.paper and number in (None, one.end_number)]
        wanted = [one for one in wanted if slot is None or one.slot == slot]
        for one in wanted:
            say(json_object(asdict(one)) if as_json else compared_line(one, sighters))
        if withdraw:
            complain(f"{chosen}: end {end} on paper is withdrawn")
        elif not wanted and not as_json:
            say("No end on paper yet. Enter one: `archstats-sensor session paper last X,10,9 --end 1`.")
        if any(not one.agrees for one in wanted):
            raise typer.Exit(EXIT_REFUSED)

    on_database(run, database_dir)


def history_command(
    archer: Annotated[
        str | None, typer.Option(callback=storable, help="Only sessions in which an archer of this name shot.")
    ] = None,
    lane: Lane = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Number of sessions, the newest.")] = LIMIT,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List past sessions with averages, spread and personal bests."""

    async def run(connection: Connection) -> None:
        found = await read_history(connection, HistoryFilter(lane, archer, limit))
        for one in found.sessions:
            for line in [json_text(asdict(one))] if as_json else history_lines(one):
                say(line)
        if not found.sessions and not as_json:
            say("No past session. A session is past once it is closed: `archstats-sensor session close`.")

    on_database(run, database_dir, at_centre=True)


def history_lines(session: PastSession) -> Iterator[str]:
    """A past session for people: its head, then a line for each archer."""
    distance = "no target" if session.distance_m is None else f"{session.distance_m:g} m"
    start = local(session.start_time, "%Y-%m-%d %H:%M")
    faces = ", ".join(session.faces) or "no face"
    yield f"{str(session.id)[:8]}  {start}  lane {session.lane:>3}  {distance:>9}  {faces}  {session.location}"
    for one in session.archers:
        name = " ".join(filter(None, (one.slot, one.archer))) or ("no archer" if len(session.archers) > 1 else "all")
        average = "" if one.average is None else f"  average {one.average:.2f}"
        spread = one.spread
        sigma = (
            "" if spread is None else f"  sigma {spread.sigma_mm:.0f} mm ({spread.low_mm:.0f} to {spread.high_mm:.0f})"
        )
        best = "  personal best" if one.is_best else "" if one.best is None else f"  best {one.best.points}"
        yield f"  {name}: {one.arrows} arrows, {one.points} points{average}{sigma}{best}"


def compared_line(one: ComparedEnd, sighters: int) -> str:
    """An end on paper beside the sensors': number, values, sums, and what differs."""
    name = f"S{one.end_number}" if one.is_sighter else str(one.end_number - sighters)
    slot = f"slot {one.slot}  " if one.slot else ""
    paper = [] if one.paper is None else one.paper.values
    both = f"{slot}end {name:>3}  paper {' '.join(paper)} = {one.paper_sum}  sensors {' '.join(one.sensed_values)} = {one.sensed_sum}"
    if one.agrees:
        return f"{both}  equal"
    beyond = [f"only on paper {' '.join(one.only_on_paper)}"] if one.only_on_paper else []
    beyond += [f"only by the sensors {' '.join(one.only_sensed)}"] if one.only_sensed else []
    beyond += [f"{one.undecided} not decided"] if one.undecided else []
    return f"{both}  DIFFERS: {', '.join(beyond)}"
