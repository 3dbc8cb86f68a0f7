"""Errors of a command whose database does not answer: wrong settings, or a database that is unavailable for now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from edge.common.config.errors import CommandError, ConfigError, DatabaseUnavailable, UsageError
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

BUSY_ERRORS = (
    asyncpg.LockNotAvailableError,
    asyncpg.ObjectInUseError,
    asyncpg.TransactionRollbackError,
)
"""Errors of a statement that met the work of other processes."""


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


@contextmanager
def explained(connection: Connection, database: Database) -> Iterator[None]:
    """Turn every fault of the database during a command into the error of the command, which is one line.

    A connection that the database interrupted is terminated: closing it would wait for a server that may be frozen.
    """
    try:
        yield
    except DATABASE_FAULTS as fault:
        error = command_error(fault, connection, database)
        if error is None:
            raise
        if connection.is_closed() or isinstance(fault, TEMPORARY_ERRORS):
            connection.terminate()
        raise error from fault


def command_error(fault: Exception, connection: Connection, database: Database) -> ConfigError | CommandError | None:
    """Return the error of a command for a fault of the database.

    None for an error of a file or of the standard output, and for a statement that is wrong, which is a defect.
    """
    if connection.is_closed() or isinstance(fault, TEMPORARY_ERRORS):
        return _interrupted(fault, database)
    if isinstance(fault, asyncpg.InsufficientPrivilegeError):
        return ConfigError(
            f"the database forbids this to {database.role or 'user ' + repr(database.user)} ({describe_error(fault)})",
            hint="Log in as the database's owner (POSTGRES_USER) and run `archstats-sensor db migrate`.",
        )
    if isinstance(fault, asyncpg.ReadOnlySQLTransactionError):
        return DatabaseUnavailable(
            f"{database.location} accepts no changes ({describe_error(fault)})",
            hint="It is a standby, or being switched over. Correct POSTGRES_HOST to name the primary server, or wait for it.",
        )
    if isinstance(fault, asyncpg.DataError) and str(fault).startswith("invalid input for query argument"):
        return UsageError(
            f"the database cannot store a value of this command ({describe_error(fault)})", hint="Correct it."
        )
    if isinstance(fault, BUSY_ERRORS):
        return DatabaseUnavailable(
            f"{database.location} is busy with other work ({describe_error(fault)})",
            hint="Nothing of that step was changed. Run the command again.",
        )
    if not isinstance(fault, asyncpg.PostgresError) or isinstance(fault, asyncpg.SyntaxOrAccessError):
        return None
    return CommandError(
        f"{database.location} refuses the command ({describe_error(fault)}, SQLSTATE {fault.sqlstate})",
        hint="Check the values of the command, and the database with `archstats-sensor db status`.",
    )


def _interrupted(fault: Exception, database: Database) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"{database.location} interrupted the command ({describe_error(fault)})",
        hint="If the command changes data, check whether the change was stored; then run it again.",
    )
