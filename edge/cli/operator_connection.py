"""Run the work of one command on a connection to the database, and report plainly when there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from edge.cli.environment import effective, refuse_mistyped
from edge.common.config.errors import ConfigError
from edge.common.config.load import load_service
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.embedded.paths import cluster_there, default_base_dir, refuse_others
from edge.common.postgres.migrate import schema_state
from edge.common.postgres.roles import Role
from edge.common.postgres.unreachable import connect_for_command, explained
from edge.operator.database import create_database


def on_database(
    work: Callable[[Connection], Awaitable[None]],
    database_dir: Path | None = None,
    *,
    any_schema: bool = False,
    create: bool = False,
    at_centre: bool = False,
) -> None:
    """Connect as the operator, check the schema, do the work.

    With ``any_schema`` the schema may be another one, and the work has the rights of the user who logs in: that is for the
    database's owner. ``create`` creates a missing database first. ``at_centre`` allows the work of an operator at the centre of
    several hubs, where no sessions or shots are changed. Raises ConfigError when the settings are wrong, the schema
    is not this build's or the database forbids the work, DatabaseUnavailable when it is away: a command does not wait for it.
    """
    environ = effective(os.environ, database_dir=database_dir)
    refuse_mistyped(environ)
    service = load_service(environ)
    role = None if any_schema else Role.OPERATOR

    async def run() -> None:
        if create:
            await create_database(service)
        elif service.database.embedded:
            refuse_missing(service.database.database_dir or default_base_dir())
        async with open_database(service, application="archstats-sensor", role=role) as database:
            connection = await connect_for_command(database)
            try:
                with explained(connection, database):
                    if not any_schema:
                        state = await schema_state(connection)
                        state.require_current()
                    if role is not None and not at_centre and state.is_centre:
                        raise ConfigError(
                            "this database is the centre of several hubs, where sessions and shots are only shown",
                            hint="Run this command on the lane's hub; the result is replicated to the centre.",
                        )
                    await work(connection)
            finally:
                await connection.close()

    asyncio.run(run())


def refuse_missing(base_dir: Path) -> None:
    """Raise ConfigError when the folder holds no database: a mistyped folder must not become a new, empty one."""
    try:
        if cluster_there(base_dir):
            return
        refuse_others(base_dir)
    except PermissionError:
        return  # starting the server reports it
    raise ConfigError(
        f"there is no database in {base_dir}",
        hint="Correct ARCH_STATS_DATABASE_DIR (--database-dir), or create it with `archstats-sensor db init`.",
    )
