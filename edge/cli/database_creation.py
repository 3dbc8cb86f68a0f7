"""Make a database on a server that somebody else runs."""

from __future__ import annotations

import asyncpg

from edge.common.config.errors import ConfigError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import DATABASE_FAULTS
from edge.common.postgres.database import describe_error, open_database
from edge.common.postgres.roles import quoted
from edge.common.postgres.unreachable import connected

MAINTENANCE_DATABASE = "postgres"
"""Every server has it: a place to stand on while making another."""


async def create_database(service: ServiceSettings) -> bool:
    """Create the database of the settings when it is not there; tells whether it did.

    The embedded server makes its own. Raises ConfigError when the server refuses, Unavailable when it is away.
    """
    if service.database.embedded:
        return False
    name = service.database.db
    beside = service.model_copy(update={"database": service.database.model_copy(update={"db": MAINTENANCE_DATABASE})})
    async with open_database(beside, application="archstats-sensor db init") as database:
        try:
            connection = await connected(database)
            try:
                if await connection.fetchval("select exists (select from pg_database where datname = $1)", name):
                    return False
                await connection.execute("create database " + quoted(name))
            finally:
                connection.terminate()
        except asyncpg.DuplicateDatabaseError:
            return False
        except DATABASE_FAULTS as fault:
            raise ConfigError(
                f"database {name!r} cannot be made ({describe_error(fault)})",
                hint=f"Let the server's administrator run: create database {quoted(name)} owner {quoted(service.database.user)}",
            ) from fault
    return True
