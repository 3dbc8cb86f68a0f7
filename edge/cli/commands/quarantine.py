"""``archstats-sensor quarantine``: list and settle reports that the database refused because of their contents."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Json, command_group
from edge.cli.operator_connection import on_database
from edge.common.bounds import LARGEST_BIGINT
from edge.common.console import as_json as json_object
from edge.common.console import local, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ReportKind
from edge.operator.quarantine import QuarantineEntry, list_quarantine, settle_quarantine

app = command_group(
    "Reports that the database refused: list and settle them. No miss is decided past them until they are settled."
)


@app.command("list")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="Also settled entries.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of entries, the newest.")] = 50,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the entries that are not settled; the newest is last."""

    async def run(connection: Connection) -> None:
        entries = await list_quarantine(connection, settled=everything, limit=limit)
        _print(entries, as_json=as_json)
        if not entries and not as_json:
            say("The quarantine is empty.")

    on_database(run, database_dir)


@app.command("settle")
def settle_command(
    numbers: Annotated[
        list[int], typer.Argument(metavar="NUMBER...", min=1, max=LARGEST_BIGINT, help="Numbers as shown by 'list'.")
    ],
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Mark entries as settled, all of them or none. Do it when they mean nothing, or when you stored them manually."""

    async def run(connection: Connection) -> None:
        _print(await settle_quarantine(connection, numbers), as_json=as_json)
        if not as_json:
            say("Settled. The device's daemon notices within seconds, and misses are decided again.")

    on_database(run, database_dir)


def _print(entries: list[QuarantineEntry], *, as_json: bool) -> None:
    for entry in entries:
        say(json_object(asdict(entry)) if as_json else entry_line(entry))


def entry_line(entry: QuarantineEntry) -> str:
    """An entry for people: number, time, device, contents, and PostgreSQL's message."""
    subject = f"reading {entry.seq}" if entry.kind is ReportKind.READING else f"the {entry.kind}"
    settled = "  settled" if entry.settled_at is not None else ""
    clock = local(entry.at)
    cause = f"{entry.reason} ({entry.sqlstate})"
    return (
        f"{entry.id:>4}  {clock}  {entry.device_id}  {subject} of stream {str(entry.stream_id)[:8]}: {cause}{settled}"
    )
