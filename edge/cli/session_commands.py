"""``archstats-sensor session``: open, end, close, list."""

from __future__ import annotations

import asyncio
import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from edge.cli.on_database import on_database
from edge.cli.printing import as_json as json_object
from edge.cli.printing import say
from edge.cli.session_store import (
    FacePlace,
    NewSession,
    begin_closing,
    end_end,
    is_open,
    list_sessions,
    open_session,
)
from edge.common import hostclock
from edge.common.connection import Connection
from edge.common.errors import ConfigError
from edge.shots.faces import load_catalogue

CLOSED_WITHIN_S = 15.0
"""A landing window and the time after which an undecided shot is given up: domain parameters, 3 s and 10 s."""
BUTT_MARGIN_MM = 30.0

app = typer.Typer(help="Sessions: what is shot on a lane, from open to close.", no_args_is_help=True)

Lane = Annotated[int, typer.Option(min=1, max=999, help="The lane.")]
DatabaseDir = Annotated[Path | None, typer.Option(help="Folder of the embedded PostgreSQL.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@app.command("open")
def open_command(
    lane: Lane = 1,
    distance: Annotated[float, typer.Option(min=1, max=200, help="To the target, in metres.")] = 18.0,
    face: Annotated[str, typer.Option(help="Code of the face, for example wa_40 or wa_122.")] = "wa_40",
    indoor: Annotated[bool, typer.Option("--indoor/--outdoor", help="Decides the assumed shaft diameter.")] = False,
    arrows_per_end: Annotated[int, typer.Option(min=1, max=72, help="Arrows of an end.")] = 3,
    sighters: Annotated[
        int, typer.Option(min=0, max=99, help="Ends at the beginning that are shown, but count in no total.")
    ] = 0,
    location: Annotated[str, typer.Option(help="Where this is.")] = "range",
    butt_width: Annotated[
        float | None, typer.Option(min=100, help="Millimetres; the face and a margin when not given.")
    ] = None,
    butt_height: Annotated[float | None, typer.Option(min=100, help="Millimetres.")] = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Open a session on a lane: from now on its releases and landings become shots."""
    catalogue = load_catalogue()
    if face not in catalogue:
        raise ConfigError(f"there is no face '{face}'", hint=f"Known faces: {', '.join(sorted(catalogue))}")
    spec = catalogue[face]
    least = 2 * (spec.outer_mm + BUTT_MARGIN_MM)
    width, height = butt_width or max(least, 1240.0), butt_height or max(least, 1240.0)

    async def run(connection: Connection) -> None:
        new = NewSession(
            lane=lane,
            start=hostclock.now(),
            location=location,
            is_indoor=indoor,
            arrows_per_end=arrows_per_end,
            end_timeout_s=60.0,
            distance_m=distance,
            butt_width_mm=width,
            butt_height_mm=height,
            faces=[
                FacePlace(
                    p.human_identifier, spec.code, spec.version, p.x_mm, p.y_mm, p.radii_mm, p.points, p.x_radius_mm
                )
                for p in spec.placed(width / 2, height / 2)
            ],
            sighter_ends=sighters,
        )
        try:
            session_id = await open_session(connection, new)
        except asyncpg.UniqueViolationError as fault:
            raise ConfigError(
                f"lane {lane} has an open session already",
                hint=f"Close it first: archstats-sensor session close --lane {lane}",
            ) from fault
        say(as_json_line(session_id, lane, "open") if as_json else f"lane {lane}: session {session_id} is open")

    on_database(run, database_dir)


@app.command("end")
def end_command(lane: Lane = 1, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Close the end that is being shot on a lane: the arrows are about to be pulled."""

    async def run(connection: Connection) -> None:
        mark = await end_end(connection, lane, hostclock.now(), getpass.getuser())
        if mark is None:
            raise nothing_open(lane)
        say(as_json_line(mark, lane, "end") if as_json else f"lane {lane}: the end is closed")

    on_database(run, database_dir)


@app.command("close")
def close_command(lane: Lane = 1, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Close a lane's session. Arrows in the air still count, so this may take a few seconds."""

    async def run(connection: Connection) -> None:
        session_id = await begin_closing(connection, lane, hostclock.now())
        if session_id is None:
            raise nothing_open(lane)
        try:
            async with asyncio.timeout(CLOSED_WITHIN_S):
                while await is_open(connection, session_id):  # noqa: ASYNC110 - a listener would be one more connection
                    await asyncio.sleep(0.1)
        except TimeoutError:
            say(
                as_json_line(session_id, lane, "closing")
                if as_json
                else f"lane {lane}: still closing; archstats-shots does it as soon as it runs"
            )
            return
        say(as_json_line(session_id, lane, "closed") if as_json else f"lane {lane}: the session is closed")

    on_database(run, database_dir)


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List sessions, newest first."""

    async def run(connection: Connection) -> None:
        rows = await list_sessions(connection, limit)
        for row in rows:
            if as_json:
                say(json_object(dict(row)))
            else:
                say(session_line(row))
        if not rows and not as_json:
            say("No session yet. Open one: archstats-sensor session open --lane 1")

    on_database(run, database_dir)


def session_line(row: asyncpg.Record) -> str:
    """One session for people."""
    state = "closing" if row["is_opened"] and row["closing_time"] else "open" if row["is_opened"] else "closed"
    started: datetime = row["start_time"]
    distance = f"{row['distance']:g} m" if row["distance"] is not None else "no target"
    where = f"lane {row['lane']:>3}  {distance:>9}  {row['location']}"
    return f"{started:%Y-%m-%d %H:%M}  {state:<7}  {where}  {row['arrows']} arrows  {row['points']} points"


def nothing_open(lane: int) -> ConfigError:
    """Nothing to end or close."""
    return ConfigError(
        f"no session is open on lane {lane}", hint=f"Open one: archstats-sensor session open --lane {lane}"
    )


def as_json_line(identity: object, lane: int, state: str) -> str:
    """What a program wants to know of the outcome."""
    return json_object({"id": str(identity), "lane": lane, "state": state})
