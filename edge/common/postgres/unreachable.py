"""What it means for the person who waits for a command that the database does not answer: wrong settings, or later perhaps."""

from __future__ import annotations

import asyncpg

from edge.common.config.errors import ConfigError, DatabaseUnavailable
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.embedded.cluster import PostgresStartError
from edge.common.postgres.roles import RoleRefused

SETTINGS_AT_FAULT = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
)
"""The server is there, and knows neither this user nor this password, database or right: trying again cannot help."""

NOT_NOW = (
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""It went, or had no time or room; nothing is said against the command or the settings."""


async def connected(database: Database) -> Connection:
    """A connection, at once or not at all. Raises ConfigError when the settings are at fault, Unavailable when it is away."""
    try:
        return await database.connect()
    except DATABASE_FAULTS as fault:
        raise no_connection(fault, database) from fault


def no_connection(fault: Exception, database: Database) -> ConfigError | DatabaseUnavailable:
    """What a failed try to connect means."""
    if isinstance(fault, RoleRefused):
        return ConfigError(fault.message, hint=fault.hint)
    if isinstance(fault, asyncpg.InvalidCatalogNameError):
        return ConfigError(
            f"there is no {database.where} ({describe_error(fault)})",
            hint="Correct POSTGRES_DB, or make it with: archstats-sensor db init",
        )
    if isinstance(fault, SETTINGS_AT_FAULT):
        return ConfigError(
            f"{database.where} is closed to us ({describe_error(fault)})",
            hint="Correct POSTGRES_USER and POSTGRES_PASSWORD, then try them: archstats-sensor db status",
        )
    if isinstance(fault, PostgresStartError):
        return DatabaseUnavailable(describe_error(fault), hint="Mend that, then run the command again")
    return DatabaseUnavailable(
        f"{database.where} does not answer ({describe_error(fault)})",
        hint="See whether it runs: systemctl status postgresql. If it does and listens elsewhere, correct POSTGRES_SOCKET_DIR, "
        "POSTGRES_HOST and POSTGRES_PORT. Then try it: archstats-sensor db status",
    )


def lost(fault: Exception, connection: Connection, database: Database) -> DatabaseUnavailable | None:
    """What went wrong in the middle of a command's work, where the database went away or had no time or room for it; else None."""
    if not connection.is_closed() and not isinstance(fault, NOT_NOW):
        return None
    return DatabaseUnavailable(
        f"{database.where} could not go on ({describe_error(fault)})",
        hint="If the command changes something, look whether it did; then run it again",
    )
