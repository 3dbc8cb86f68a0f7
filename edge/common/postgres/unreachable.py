"""Errors of a command whose database does not answer: wrong settings, or a database that is unavailable for now."""

from __future__ import annotations

import asyncpg

from edge.common.config.errors import ConfigError, DatabaseUnavailable
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.embedded.cluster import PostgresStartError
from edge.common.postgres.roles import RoleRefused

SETTINGS_ERRORS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
)
"""Errors of a server that rejects the user, the password, the database or the role: a retry cannot help."""

TEMPORARY_ERRORS = (
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""Errors of a server that stopped, or lacks time or memory: neither the command nor the settings are wrong."""


async def connect_for_command(database: Database) -> Connection:
    """Open a connection in a single attempt. Raises ConfigError for wrong settings, DatabaseUnavailable for a database that is away."""
    try:
        return await database.connect()
    except DATABASE_FAULTS as fault:
        raise connect_error(fault, database) from fault


def connect_error(fault: Exception, database: Database) -> ConfigError | DatabaseUnavailable:
    """Return the error of the command for a failed attempt to connect."""
    if isinstance(fault, RoleRefused):
        return ConfigError(fault.message, hint=fault.hint)
    if isinstance(fault, asyncpg.InvalidCatalogNameError):
        return ConfigError(
            f"{database.location} does not exist ({describe_error(fault)})",
            hint="Correct POSTGRES_DB, or create the database: `archstats-sensor db init`.",
        )
    if isinstance(fault, SETTINGS_ERRORS):
        return ConfigError(
            f"{database.location} rejects the login ({describe_error(fault)})",
            hint="Correct POSTGRES_USER and POSTGRES_PASSWORD, then check them: `archstats-sensor db status`.",
        )
    if isinstance(fault, PostgresStartError):
        return DatabaseUnavailable(describe_error(fault), hint="Fix that, then run the command again.")
    return DatabaseUnavailable(
        f"{database.location} does not answer ({describe_error(fault)})",
        hint="Check that PostgreSQL runs: `systemctl status postgresql`. If it listens elsewhere, correct POSTGRES_SOCKET_DIR, "
        "POSTGRES_HOST and POSTGRES_PORT. Then check the settings: `archstats-sensor db status`.",
    )


def interrupted_error(fault: Exception, connection: Connection, database: Database) -> DatabaseUnavailable | None:
    """Return the error of a command that the database interrupted; None when the fault has another cause."""
    if not connection.is_closed() and not isinstance(fault, TEMPORARY_ERRORS):
        return None
    return DatabaseUnavailable(
        f"{database.location} interrupted the command ({describe_error(fault)})",
        hint="If the command changes data, check whether the change was stored; then run it again.",
    )
