"""``archstats-sensor db``: create, migrate, describe, back up, restore, prune and replicate the database."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Json, command_group
from edge.cli.commands.replicate import replicate_command
from edge.cli.environment import effective
from edge.cli.operator_connection import on_database
from edge.common.config.load import load_service
from edge.common.config.settings import ServiceSettings
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.common.postgres.feed import RETENTION
from edge.common.postgres.migrate import migrate
from edge.common.postgres.roles import Role, create_statements, grant_statement, quoted
from edge.common.postgres.server_functions import CLOSE_SERVER_FUNCTIONS
from edge.operator.backup import back_up, restore
from edge.operator.database import database_status, prune_events

MOST_DAYS = 36_500
"""Oldest age of events that prune accepts."""

app = command_group("The database: create, migrate, describe and back it up.")


@app.command("init")
def init_command(database_dir: DatabaseDir = None) -> None:
    """Create the database if it does not exist, then migrate it. Run it once on a new hub; repeating it is safe."""
    _migrate(database_dir, create=True)


@app.command("migrate")
def migrate_command(database_dir: DatabaseDir = None) -> None:
    """Apply the missing migrations. Services wait for this after an upgrade."""
    _migrate(database_dir, create=False)


@app.command("status")
def status_command(as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Show the place, the schema and the contents of the database."""
    database = _settings(database_dir).database

    async def run(connection: Connection) -> None:
        facts = asdict(await database_status(connection, database))
        facts |= facts.pop("rows")
        if as_json:
            say(json_object(facts))
        else:
            warnings = facts.pop("warnings")
            for key, value in (*facts.items(), *(("warning", text) for text in warnings)):
                say(f"{key:>11}  {value}")

    on_database(run, database_dir, any_schema=True)


@app.command("roles")
def roles_command(database_dir: DatabaseDir = None) -> None:
    """Print the SQL that creates the services' roles. For a server on which POSTGRES_USER may not create them.

    It also takes the rights on functions of the server that no service uses from all users of an existing database.
    """
    database = _settings(database_dir).database
    user = database.user
    for role in Role:
        for statement in (*create_statements(role), grant_statement(role, user)):
            say(f"{statement};")
    say(f"\\connect {quoted(database.db)}")
    say(f"{CLOSE_SERVER_FUNCTIONS};")


@app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(help="File to write, for example range.backup.", dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Write the whole database into one file. Services may keep running."""
    if file.exists() and not force:
        raise typer.BadParameter(f"{file} already exists; choose another name, or overwrite it with --force")
    database = _settings(database_dir).database

    async def run(connection: Connection) -> None:
        size = await back_up(connection, database, file.absolute())
        say(f"{file}: {size} bytes")

    on_database(run, database_dir, any_schema=True)


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(help="File written by db backup.", exists=True, dir_okay=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Delete the present contents of the database.")] = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Restore the database from a file, all or nothing. Brings it to this build's schema.

    Stop the services first. A missing database is created.
    """
    database = _settings(database_dir).database

    async def run(connection: Connection) -> None:
        restored = await restore(connection, database, file.absolute(), replace=replace)
        say(f"restored {restored.sessions} sessions with {restored.shots} shots")
        for name in restored.applied:
            say(f"applied {name}")
        if restored.doubtful_arrows:
            say(
                f"{restored.doubtful_arrows} arrows are not programmed in this backup, and may be by now: from now on `arrow program` "
                "accepts for them only tags that hold their UUIDs already (see docs/arrows.md)"
            )

    on_database(run, database_dir, any_schema=True, create=True)


@app.command("prune")
def prune_command(
    days: Annotated[
        float, typer.Option(min=0, max=MOST_DAYS, help="Age in days from which events are deleted.")
    ] = RETENTION.days,
    database_dir: DatabaseDir = None,
) -> None:
    """Delete old events from the feed. Readings, sessions and shots stay.

    The assembler does this by itself once an hour; a page that was away for longer loads everything again.
    """

    async def run(connection: Connection) -> None:
        deleted = await prune_events(connection, days)
        say(f"deleted {deleted} events older than {days:g} days")

    on_database(run, database_dir, at_centre=True)


app.command("replicate")(replicate_command)


def _migrate(database_dir: Path | None, *, create: bool) -> None:
    channel = _settings(database_dir).ws_channel

    async def run(connection: Connection) -> None:
        applied = await migrate(connection, channel)
        for name in applied:
            say(f"applied {name}")
        if not applied:
            say("the schema is up to date")

    on_database(run, database_dir, any_schema=True, create=create)


def _settings(database_dir: Path | None) -> ServiceSettings:
    return load_service(effective(os.environ, database_dir=database_dir))
