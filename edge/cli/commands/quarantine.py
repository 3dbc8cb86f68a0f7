"""``archstats-sensor quarantine``: reports that the database refused for what is in them, and a person's word on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import asyncpg
import typer

from edge.cli.commands.shots import DatabaseDir, Json
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection

app = typer.Typer(
    help="What a device told and the database can never store: no miss is told past it until a person has settled it.",
    no_args_is_help=True,
)

_KNOWN = "select id, device_id, kind, stream_id, seq::text as seq, sqlstate, reason, at, settled_at from quarantine"


@app.command("list")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were settled.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 50,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List what waits in quarantine; the newest comes last."""

    async def run(connection: Connection) -> None:
        rows = await connection.fetch(
            f"select * from ({_KNOWN} where $1 or settled_at is null order by id desc limit $2) newest order by id",  # noqa: S608
            everything,
            limit,
        )
        for row in rows:
            say(json_object(dict(row)) if as_json else line(dict(row)))
        if not rows and not as_json:
            say("Nothing waits in quarantine.")

    on_database(run, database_dir)


@app.command("settle")
def settle_command(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", min=1, help="The numbers that 'list' shows.")],
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Say that these are dealt with: they were nothing, or you stored them by hand. All of them, or none."""

    async def run(connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute(
                "update quarantine set settled_at = coalesce(settled_at, clock_timestamp()) where id = any($1)", numbers
            )
            rows = await connection.fetch(f"{_KNOWN} where id = any($1) order by id", numbers)
            _refuse_unknown(numbers, rows)
        for row in rows:
            say(json_object(dict(row)) if as_json else line(dict(row)))
        if not as_json:
            say("Settled. The device's daemon sees it within seconds, and tells misses again.")

    on_database(run, database_dir)


def _refuse_unknown(numbers: list[int], rows: list[asyncpg.Record]) -> None:
    unknown = sorted({*numbers} - {row["id"] for row in rows})
    if unknown:
        raise CommandError(
            f"nothing in quarantine has the number {', '.join(map(str, unknown))}, so nothing was settled",
            hint="See: archstats-sensor quarantine list",
        )


def line(row: Mapping[str, object]) -> str:
    """One of them for people: its number, when, whose, what, and why the database refused it."""
    at = row["at"]
    clock = f"{at:%Y-%m-%d %H:%M:%S}" if isinstance(at, datetime) else "?"
    what = f"reading {row['seq']}" if row["kind"] == "reading" else f"the {row['kind']}"
    settled = "  settled" if row["settled_at"] is not None else ""
    stream = str(row["stream_id"])[:8]
    return f"{row['id']:>4}  {clock}  {row['device_id']}  {what} of stream {stream}: {row['reason']} ({row['sqlstate']}){settled}"
