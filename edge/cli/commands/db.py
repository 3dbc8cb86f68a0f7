"""``archstats-sensor db``: make the database, bring its schema up to date, tell how it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.commands import db_backup as db_backup_commands
from edge.cli.environment import effective
from edge.cli.operator_connection import on_database
from edge.common.config.settings import load_service
from edge.common.console import as_json as json_object
from edge.common.console import say
from edge.common.postgres.connection import Connection
from edge.common.postgres.effective import describe_location
from edge.common.postgres.migrate import SchemaState, migrate, schema_state
from edge.common.postgres.roles import Role, creation, membership

app = typer.Typer(help="The database: make it, migrate it, look at it, back it up.", no_args_is_help=True)
app.add_typer(db_backup_commands.app)

DatabaseDir = Annotated[Path | None, typer.Option(help="Folder of the embedded PostgreSQL.")]


@app.command("init")
def init_command(database_dir: DatabaseDir = None) -> None:
    """Make the database if it is not there, then migrate. Run it once on a new hub; twice does no harm."""
    _migrate(database_dir, create=True)


@app.command("migrate")
def migrate_command(database_dir: DatabaseDir = None) -> None:
    """Apply the migrations that are missing. Services wait for this after an upgrade."""
    _migrate(database_dir, create=False)


@app.command("status")
def status_command(
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Tell where the database is, which schema it has and what it holds."""
    database = load_service(effective(os.environ, database_dir=database_dir)).database

    async def run(connection: Connection) -> None:
        state = await schema_state(connection)
        facts: dict[str, object] = {
            "where": await describe_location(connection, database),
            "server": str(await connection.fetchval("show server_version")),
            "database": str(await connection.fetchval("select current_database()")),
            "size_bytes": await connection.fetchval("select pg_database_size(current_database())"),
            "schema": summary(state),
            "channel": state.channel,
        }
        if state.current:
            for table in ("devices", "sessions", "readings", "shots", "events"):
                facts[table] = await connection.fetchval(f"select count(*) from {table}")  # noqa: S608 - fixed names
        if as_json:
            say(json_object(facts))
        else:
            for key, value in facts.items():
                say(f"{key:>11}  {value}")

    on_database(run, database_dir, any_schema=True)


@app.command("roles")
def roles_command(database_dir: DatabaseDir = None) -> None:
    """Print the SQL that makes the modules' roles, for a server on which POSTGRES_USER may not make them."""
    user = load_service(effective(os.environ, database_dir=database_dir)).database.user
    for role in Role:
        for statement in (*creation(role), membership(role, user)):
            say(f"{statement};")


def _migrate(database_dir: Path | None, *, create: bool) -> None:
    channel = load_service(effective(os.environ, database_dir=database_dir)).ws_channel

    async def run(connection: Connection) -> None:
        applied = await migrate(connection, channel)
        for name in applied:
            say(f"applied {name}")
        if not applied:
            say("the schema is up to date")

    on_database(run, database_dir, any_schema=True, create=create)


def summary(state: SchemaState) -> str:
    """How far the schema is, in words."""
    if state.unknown or state.changed:
        return "another build's"
    if state.missing:
        return f"{len(state.missing)} migrations behind; run: archstats-sensor db migrate"
    numbered = [name for name in state.applied if name[0].isdigit()]
    return f"up to date ({numbered[-1] if numbered else 'empty'})"
