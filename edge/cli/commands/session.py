"""``archstats-sensor session``: open, end, close and list sessions, their statistics, and their files."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from drivers.clock.host import host_now
from edge.cli.commands.options import DatabaseDir, Json, Lane, Location, command_group, faces, operator_name, rule_sets
from edge.cli.commands.session_files import (
    SessionArgument,
    certificate_command,
    export_command,
    history_command,
    paper_command,
)
from edge.cli.operator_connection import on_database
from edge.common.config.errors import EXIT_REFUSED, CommandError
from edge.common.console import as_json as json_object
from edge.common.console import complain, local, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import SessionState
from edge.operator.butt.layout import SYNTAX as FACE_SYNTAX
from edge.operator.butt.layout import FacePlace, faces_on_butt, parse_face
from edge.operator.butt.slots import SYNTAX as SLOT_SYNTAX
from edge.operator.butt.slots import parse_slots
from edge.operator.calibration.on_lanes import active_on_lanes, calibrated_butt, misfits
from edge.operator.lookup import LAST
from edge.operator.opening import (
    END_TIMEOUT_S,
    START_SHOTS,
    NewSession,
    command_to_open,
    open_sessions,
    rules_of,
    start_of_session,
)
from edge.operator.sessions import SessionSummary, await_closes, list_sessions, mark_end, request_closes
from edge.operator.shots import find_session
from edge.operator.statistics import read_statistics, statistics_facts
from edge.operator.statistics.lines import statistics_lines
from edge.shots.rules import USUAL_RULES, load_rules

app = command_group("Sessions: the shooting on a lane, from open to close.")

Lanes = Annotated[
    list[int] | None,
    typer.Option("--lane", min=1, max=999, help="The lane; repeat it for several. Lane 1 by default."),
]
ButtSide = Annotated[
    float | None,
    typer.Option(
        min=100,
        max=99_999,
        help="Millimetres; by default as when the target was calibrated, else 1240, or the face with a margin.",
    ),
]


class EndMark(StrEnum):
    """The outcome of ``session end``, for programs."""

    END = "end"


@app.command("open")
def open_command(
    lane: Lanes = None,
    distance: Annotated[float, typer.Option(min=1, max=200, help="Distance to the target, metres.")] = 18.0,
    face: Annotated[
        list[str] | None,
        typer.Option(
            metavar=FACE_SYNTAX,
            help="A face of `faces list`, wa_40 by default; repeat it for several on one butt, by one name for the spots of one. X,Y is its centre in "
            "millimetres from the lower left; without it faces are spread evenly.",
            autocompletion=faces,
        ),
    ] = None,
    slot: Annotated[
        list[str] | None,
        typer.Option(metavar=SLOT_SYNTAX, help="An archer's place, A to D: whose face and whose bow; repeat it."),
    ] = None,
    rules: Annotated[
        str, typer.Option(help=f"Rules of the scores: {', '.join(load_rules())}.", autocompletion=rule_sets)
    ] = USUAL_RULES,
    indoor: Annotated[bool, typer.Option("--indoor/--outdoor", help="Decides the assumed shaft diameter.")] = False,
    arrows_per_end: Annotated[int, typer.Option(min=1, max=72, help="Arrows per end.")] = 3,
    sighters: Annotated[
        int, typer.Option(min=0, max=99, help="Number of ends at the beginning that are shown but count in no total.")
    ] = 0,
    since: Annotated[
        str | None,
        typer.Option(help="Past start of the session, ISO 8601 with offset: shots since then become part of it."),
    ] = None,
    location: Location = "range",
    butt_width: ButtSide = None,
    butt_height: ButtSide = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Open a session on a lane. From now on its releases and landings become shots."""
    requests, lanes, rule_set = [parse_face(text) for text in face or ["wa_40"]], _numbers(lane), rules_of(rules)

    async def run(connection: Connection) -> None:
        active = await active_on_lanes(connection, lanes)
        width, height, places = faces_on_butt(requests, *calibrated_butt(active, butt_width, butt_height))
        new = NewSession(
            lane=0,
            start=await start_of_session(connection, since),
            location=location,
            is_indoor=indoor,
            arrows_per_end=arrows_per_end,
            end_timeout_s=END_TIMEOUT_S,
            distance_m=distance,
            butt_width_mm=width,
            butt_height_mm=height,
            faces=places,
            sighter_ends=sighters,
            slots=parse_slots(slot or [], places),
            rules=rule_set,
        )
        opened = await open_sessions(connection, new, lanes, backdated=since is not None)
        for line in misfits(active):
            complain(line)
        for number, session_id in opened.items():
            outcome = {"id": str(session_id), "lane": number, "state": SessionState.OPEN}
            say(
                json_object({**outcome, "faces": [asdict(place) for place in places]})
                if as_json
                else f"lane {number}: session {session_id} is open"
            )
        for line in [] if as_json or len(requests) == 1 else map(_place_line, places):
            say(line)

    on_database(run, database_dir)


@app.command("end")
def end_command(lane: Lanes = None, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Close the current end on a lane, before the arrows are pulled."""
    now, who = host_now(), operator_name()

    async def run(connection: Connection) -> None:
        for number, mark in (await mark_end(connection, _numbers(lane), now, who)).items():
            say(_outcome(mark, number, EndMark.END) if as_json else f"lane {number}: the end is closed")

    on_database(run, database_dir)


@app.command("close")
def close_command(lane: Lanes = None, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Close a lane's session. Arrows in flight still count, so this may take a few seconds."""
    now = host_now()

    async def run(connection: Connection) -> None:
        closing = await request_closes(connection, _numbers(lane), now)
        still_open = await await_closes(connection, list(closing.values()))
        for number, session_id in closing.items():
            if as_json:
                state = SessionState.CLOSING if session_id in still_open else SessionState.CLOSED
                say(_outcome(session_id, number, state))
            elif session_id not in still_open:
                say(f"lane {number}: the session is closed")
        if still_open and as_json:
            raise typer.Exit(EXIT_REFUSED)
        if still_open:
            lanes = ", ".join(f"lane {number}" for number, session_id in closing.items() if session_id in still_open)
            raise CommandError(f"{lanes}: still closing", hint=START_SHOTS)

    on_database(run, database_dir)


@app.command("list")
def list_command(
    lane: Annotated[
        list[int] | None, typer.Option("--lane", min=1, max=999, help="Only this lane; repeat it for several.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of sessions, the newest.")] = 20,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List sessions, newest first."""

    async def run(connection: Connection) -> None:
        sessions = await list_sessions(connection, limit, lane or None)
        for session in sessions:
            say(json_object(asdict(session)) if as_json else session_line(session))
            for slot in () if as_json else session.slots:
                say(
                    f"  slot {slot.letter}  {slot.archer or 'no name'}  face {slot.face}  {slot.arrows} arrows  {slot.points} points"
                )
            arrows, points = session.of_no_slot
            if arrows and session.slots and not as_json:
                say(f"  no slot  {arrows} arrows  {points} points")
        if not sessions and not as_json:
            number = min(lane or [1])
            say(f"No session yet. Open one: `{await command_to_open(connection, number)}`.")

    on_database(run, database_dir)


@app.command("stats")
def stats_command(
    session: SessionArgument = LAST, lane: Lane = None, as_json: Json = False, database_dir: DatabaseDir = None
) -> None:
    """Show the sums, ends, group, sight and arrows of a session."""

    async def run(connection: Connection) -> None:
        chosen = await find_session(connection, session, "session stats", lane)
        if lane is not None and chosen.lane != lane:
            raise CommandError(
                f"session {str(chosen.id)[:8]} is on lane {chosen.lane}, not on lane {lane}",
                hint="Leave out --lane, which chooses among the last sessions.",
            )
        read = await read_statistics(connection, chosen.id)
        if read is None:  # it was deleted in between
            raise CommandError(f"there is no session '{session}'", hint="See `archstats-sensor session list`.")
        state, facts, found = read
        if as_json:
            say(json_object(statistics_facts(state, found)))
            return
        say(str(chosen))
        for line in statistics_lines(facts, found):
            say(line)

    on_database(run, database_dir, at_centre=True)


app.command("export")(export_command)
app.command("certificate")(certificate_command)
app.command("history")(history_command)
app.command("paper")(paper_command)


def session_line(session: SessionSummary) -> str:
    """A session for people: the beginning of its id, start, state, lane, face and totals."""
    distance = "no target" if session.distance is None else f"{float(session.distance):g} m"
    place = f"lane {session.lane:>3}  {distance:>9}  {session.location}"
    nocked = f"  {session.nockings_expired} nocked and never released" if session.nockings_expired else ""
    totals = f"{session.arrows} arrows  {session.points} points"
    start = f"{str(session.id)[:8]}  {local(session.start_time, '%Y-%m-%d %H:%M')}"
    rules = "" if session.rule_set == USUAL_RULES else f"  {session.rule_set}"
    clock = f"  clock {session.clock}: times may be wrong" if session.clock else ""
    return f"{start}  {session.state:<7}  {place}  {session.face or 'no face'}{rules}  {totals}{nocked}{clock}"


def _place_line(place: FacePlace) -> str:
    return f"  face {place.human_identifier}: {place.code}, centre {place.x_mm:.1f} mm across, {place.y_mm:.1f} mm up"


def _numbers(lanes: list[int] | None) -> list[int]:
    """The given lanes, each once; lane 1 by default."""
    return sorted(set(lanes or [1]))


def _outcome(identity: object, lane: int, state: SessionState | EndMark) -> str:
    """The outcome for one lane, for programs."""
    return json_object({"id": str(identity), "lane": lane, "state": state})
