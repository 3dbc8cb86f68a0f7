"""``archstats-sensor db backup``, ``restore`` and ``prune``. The first two need the rights of the database's owner."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.environment import effective
from edge.cli.operator_connection import on_database
from edge.common.config.settings import load_service
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.common.postgres.feed import RETENTION, prune
from edge.common.postgres.migrate import migrate
from edge.common.postgres.roles import make_roles
from edge.operator.backup import backup, refuse_nothing, refuse_unfit, restore
from edge.operator.postgres_tools import PostgresClient, client_for, connection_variables

app = typer.Typer()

DatabaseDir = Annotated[Path | None, typer.Option(help="Folder of the embedded PostgreSQL.")]


@app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(help="File to write, for example range.backup.", dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Write the whole database into one file. Services may go on meanwhile."""
    if file.exists() and not force:
        raise typer.BadParameter(f"{file} is there already; choose another name, or write over it with --force")

    async def run(connection: Connection) -> None:
        await refuse_nothing(connection)
        client = await _client(connection, database_dir)
        size = await asyncio.to_thread(backup, client, file.absolute())
        say(f"{file}: {size} bytes")

    on_database(run, database_dir, any_schema=True)


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(help="A file made by db backup.", exists=True, dir_okay=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Let go of what the database holds now.")] = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Make the database what the file holds, all or nothing, and bring it to this build's schema.

    Stop the services first. A database that is missing is made.
    """

    async def run(connection: Connection) -> None:
        await refuse_unfit(connection, replace=replace)
        await make_roles(connection)
        client = await _client(connection, database_dir)
        await asyncio.to_thread(restore, client, file.absolute())
        channel = await connection.fetchval("select channel from installation")
        newer = [name for name in await migrate(connection, channel) if name[0].isdigit()]
        counts = [await connection.fetchval(f"select count(*) from {table}") for table in ("sessions", "shots")]  # noqa: S608
        say(f"restored {counts[0]} sessions with {counts[1]} shots")
        for name in newer:
            say(f"applied {name}")

    on_database(run, database_dir, any_schema=True, create=True)


@app.command("prune")
def prune_command(
    days: Annotated[float, typer.Option(min=0, help="Keep the events of so many days.")] = RETENTION.days,
    database_dir: DatabaseDir = None,
) -> None:
    """Forget old events of the feed. Readings, sessions and shots stay.

    The assembler does this by itself once an hour; a page that has slept for longer reads the whole picture anew.
    """

    async def run(connection: Connection) -> None:
        gone = await prune(connection, timedelta(days=days))
        say(f"forgot {gone} events older than {days:g} days")

    on_database(run, database_dir)


async def _client(connection: Connection, database_dir: Path | None) -> PostgresClient:
    service = load_service(effective(os.environ, database_dir=database_dir))
    return client_for(connection.get_server_version().major, connection_variables(service.database))
