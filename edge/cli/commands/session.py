"""``archstats-sensor session``: open, end, close, list."""

from __future__ import annotations

import asyncio
import getpass
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.cli.commands.butt_size import butt_for
from edge.cli.commands.options import faces
from edge.cli.operator_connection import on_database
from edge.common.config.errors import EXIT_REFUSED, CommandError, UsageError
from edge.common.console import as_json as json_object
from edge.common.console import iso, say
from edge.common.postgres.connection import Connection
from edge.operator.sessions import (
    FacePlace,
    NewSession,
    begin_closing,
    end_end,
    is_open,
    last_end,
    list_sessions,
    open_session,
    still_closing,
)
from edge.shots.assembly.nockings import expired_nockings
from edge.shots.faces import load_catalogue
from edge.shots.store.context import load_snapshot

CLOSED_WITHIN_S = 15.0
"""A landing window and the time after which an undecided shot is given up: domain parameters, 3 s and 10 s."""
START_SHOTS = "Start archstats-shots, which closes it; on a hub: sudo systemctl start archstats-shots"

app = typer.Typer(help="Sessions: what is shot on a lane, from open to close.", no_args_is_help=True)

Lanes = Annotated[
    list[int] | None,
    typer.Option("--lane", min=1, max=999, help="The lane; again for each further one. Lane 1 when not given."),
]
DatabaseDir = Annotated[Path | None, typer.Option(help="Folder of the embedded PostgreSQL.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
ButtSide = Annotated[
    float | None,
    typer.Option(
        min=100, max=99_999, help="Millimetres; when not given 1240, or the face and a margin where that is more."
    ),
]


@app.command("open")
def open_command(
    lane: Lanes = None,
    distance: Annotated[float, typer.Option(min=1, max=200, help="To the target, in metres.")] = 18.0,
    face: Annotated[
        str, typer.Option(help=f"Code of the face: {', '.join(sorted(load_catalogue()))}.", autocompletion=faces)
    ] = "wa_40",
    indoor: Annotated[bool, typer.Option("--indoor/--outdoor", help="Decides the assumed shaft diameter.")] = False,
    arrows_per_end: Annotated[int, typer.Option(min=1, max=72, help="Arrows of an end.")] = 3,
    sighters: Annotated[
        int, typer.Option(min=0, max=99, help="Ends at the beginning that are shown, but count in no total.")
    ] = 0,
    since: Annotated[
        str | None,
        typer.Option(help="When it really began, ISO 8601 with offset: what was shot since then becomes part of it."),
    ] = None,
    location: Annotated[str, typer.Option(help="Where this is.")] = "range",
    butt_width: ButtSide = None,
    butt_height: ButtSide = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Open a session on a lane: from now on its releases and landings become shots."""
    catalogue = load_catalogue()
    if face not in catalogue:
        raise UsageError(f"there is no face '{face}'", hint=f"Known faces: {', '.join(sorted(catalogue))}")
    spec = catalogue[face]
    width, height = butt_for(spec, butt_width, butt_height)
    new = NewSession(
        lane=0,
        start=host_now() if since is None else began(since, host_now()),
        location=location,
        is_indoor=indoor,
        arrows_per_end=arrows_per_end,
        end_timeout_s=60.0,
        distance_m=distance,
        butt_width_mm=width,
        butt_height_mm=height,
        faces=[
            FacePlace(p.human_identifier, spec.code, spec.version, p.x_mm, p.y_mm, p.radii_mm, p.points, p.x_radius_mm)
            for p in spec.placed(width / 2, height / 2)
        ],
        sighter_ends=sighters,
    )

    async def run(connection: Connection) -> None:
        opened: dict[int, UUID] = {}
        async with connection.transaction():  # all lanes or none
            for number in numbers(lane):
                if since is not None:
                    await refuse_overlap(connection, number, new.start.at)
                try:
                    opened[number] = await open_session(connection, replace(new, lane=number))
                except asyncpg.UniqueViolationError as fault:
                    raise await in_the_way(connection, number) from fault
        for number, session_id in opened.items():
            say(as_json_line(session_id, number, "open") if as_json else f"lane {number}: session {session_id} is open")

    on_database(run, database_dir)


@app.command("end")
def end_command(lane: Lanes = None, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Close the end that is being shot on a lane: the arrows are about to be pulled."""
    now, who = host_now(), getpass.getuser()

    async def run(connection: Connection) -> None:
        marks: dict[int, UUID] = {}
        async with connection.transaction():
            for number in numbers(lane):
                mark = await end_end(connection, number, now, who)
                if mark is None:
                    raise nothing_open(number)
                marks[number] = mark
        for number, mark in marks.items():
            say(as_json_line(mark, number, "end") if as_json else f"lane {number}: the end is closed")

    on_database(run, database_dir)


@app.command("close")
def close_command(lane: Lanes = None, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Close a lane's session. Arrows in the air still count, so this may take a few seconds."""
    now = host_now()

    async def run(connection: Connection) -> None:
        closing: dict[int, UUID] = {}
        async with connection.transaction():
            for number in numbers(lane):
                session_id = await begin_closing(connection, number, now)
                if session_id is None:
                    raise nothing_open(number)
                closing[number] = session_id
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSED_WITHIN_S):
                for session_id in closing.values():
                    while await is_open(connection, session_id):  # noqa: ASYNC110 - a listener would be one more connection
                        await asyncio.sleep(0.1)
        open_still = [number for number, session_id in closing.items() if await is_open(connection, session_id)]
        for number, session_id in closing.items():
            if as_json:
                say(as_json_line(session_id, number, "closing" if number in open_still else "closed"))
            elif number not in open_still:
                say(f"lane {number}: the session is closed")
        if open_still and as_json:
            raise typer.Exit(EXIT_REFUSED)
        if open_still:
            raise CommandError(
                f"{', '.join(f'lane {number}' for number in open_still)}: still closing", hint=START_SHOTS
            )

    on_database(run, database_dir)


@app.command("list")
def list_command(
    lane: Annotated[
        list[int] | None, typer.Option("--lane", min=1, max=999, help="This lane's only; again for each further one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List sessions, newest first."""

    async def run(connection: Connection) -> None:
        rows = await list_sessions(connection, limit, lane or None)
        for row in rows:
            seen = await load_snapshot(connection, row["id"])
            expired = len(expired_nockings(seen.readings, seen.context)) if seen is not None else 0
            if as_json:
                say(json_object({**row, "nockings_expired": expired}))
            else:
                say(session_line(row, expired))
        if not rows and not as_json:
            say("No session yet. Open one: archstats-sensor session open --lane 1")

    on_database(run, database_dir)


def session_line(row: asyncpg.Record, expired: int) -> str:
    """One session for people: the beginning of its id, when, how it is, what is shot at; ``expired`` arrows were nocked and given up."""
    state = "closing" if row["is_opened"] and row["closing_time"] else "open" if row["is_opened"] else "closed"
    started: datetime = row["start_time"]
    distance = f"{float(row['distance']):g} m" if row["distance"] is not None else "no target"
    where = f"lane {row['lane']:>3}  {distance:>9}  {row['location']}"
    nocked = f"  {expired} nocked and never released" if expired else ""
    arrows = f"{row['arrows']} arrows  {row['points']} points"
    begins = f"{str(row['id'])[:8]}  {started:%Y-%m-%d %H:%M}"
    return f"{begins}  {state:<7}  {where}  {row['face'] or 'no face'}  {arrows}{nocked}"


def began(text: str, now: Instant) -> Instant:
    """A past instant of this boot of the host on both clocks. Raises Refused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as fault:
        raise UsageError(f"--since {text} is no instant", hint="Write it like 2026-01-01T12:00:00Z") from fault
    if at.tzinfo is None:
        raise UsageError(f"--since {text} has no time zone", hint="Add Z or an offset: 2026-01-01T12:00:00Z")
    if at > now.at:
        raise CommandError(f"--since {text} is still to come", hint="Leave --since out: the session begins now")
    return now.at_utc(at)


async def refuse_overlap(connection: Connection, lane: int, start: datetime) -> None:
    """One arrow is never of two sessions. Raises Refused when the lane's last session ended after ``start``."""
    ended = await last_end(connection, lane)
    if ended is not None and ended > start:
        raise CommandError(
            f"the last session of lane {lane} ended at {iso(ended)}, so nothing was opened",
            hint=f"Let it begin after that: --since {iso(ended)}",
        )


async def in_the_way(connection: Connection, lane: int) -> CommandError:
    """Why nothing can be opened on a lane that has an open session."""
    if await still_closing(connection, lane):
        return CommandError(
            f"the last session of lane {lane} is still closing, so nothing was opened", hint=START_SHOTS
        )
    return CommandError(
        f"lane {lane} has an open session already, so nothing was opened",
        hint=f"Close it first: archstats-sensor session close --lane {lane}",
    )


def numbers(lanes: list[int] | None) -> list[int]:
    """The lanes that were named, each once; lane 1 when none was."""
    return sorted(set(lanes or [1]))


def nothing_open(lane: int) -> CommandError:
    """Nothing to end or close."""
    return CommandError(
        f"no session is open on lane {lane}, so nothing was done",
        hint=f"Open one: archstats-sensor session open --lane {lane}",
    )


def as_json_line(identity: object, lane: int, state: str) -> str:
    """What a program wants to know of the outcome."""
    return json_object({"id": str(identity), "lane": lane, "state": state})
