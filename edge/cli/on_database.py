"""Run one command's work on a connection to the database, and tell plainly when there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from edge.cli.database_creation import create_database
from edge.cli.environment import effective
from edge.common.connection import DATABASE_FAULTS, Connection
from edge.common.database import open_database, told_of
from edge.common.errors import ConfigError
from edge.common.migrate import schema_state
from edge.common.settings import load_service, refuse_unknown


def on_database(
    work: Callable[[Connection], Awaitable[None]],
    database_dir: Path | None = None,
    *,
    any_schema: bool = False,
    create: bool = False,
) -> None:
    """Connect, check the schema (unless ``any_schema``), do the work; ``create`` makes a missing database first.

    Raises ConfigError when the settings are wrong, the schema is not this build's, or the database cannot be reached:
    a person is waiting, so this does not.
    """
    environ = effective(os.environ, database_dir=database_dir)
    refuse_unknown(environ)
    service = load_service(environ)

    async def run() -> None:
        if create:
            await create_database(service)
        async with open_database(service, application="archstats-sensor") as database:
            try:
                connection = await database.connect()
            except DATABASE_FAULTS as fault:
                raise ConfigError(
                    f"the database does not answer ({told_of(fault)})",
                    hint="Check the POSTGRES_* variables with: archstats-sensor config check",
                ) from fault
            try:
                if not any_schema:
                    (await schema_state(connection)).require_current()
                await work(connection)
            finally:
                await connection.close()

    asyncio.run(run())
