"""The database's roles: one for each module, with the least rights it needs. ``edge/schema/repeatable/grants.sql`` grants them.

Roles belong to the server, not to one of its databases, so several databases may create them at the same time.
They may log in but have no password: an installed hub admits each unit's user by its name (``peer``); any other user
logs in as a member of a role and then takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Final

import asyncpg

from edge.common.config.errors import ConfigError
from edge.common.postgres.connection import Connection

LIMITS = {
    "statement_timeout": "8s",
    # An open transaction holds back the feed of every reader.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "5s",
    # Every program of ours speaks at least every few seconds.
    "idle_session_timeout": "1min",
}
"""Limits that the server sets for every session under a role, also for one that an operator opens in psql.

In the form in which the server shows them, so that a connection can check its own.
"""


class Role(StrEnum):
    """Database role of a process."""

    SENSOR = "archstats_sensor"
    SHOTS = "archstats_shots"
    PUSH = "archstats_push"
    API = "archstats_api"
    """Role of the changes that the HTTP API makes; the push service takes it for them alone."""
    OPERATOR = "archstats_operator"
    """Role of the technician's commands."""


TAKEN_BY: Final[Mapping[Role, Role]] = {Role.API: Role.PUSH}
"""Roles that the process of another role takes. That one inherits no right of them: it has to take the role first."""


class RoleRefused(ConnectionError):
    """The server does not let this process take a role. It can be fixed while a service waits, so it is no ConfigError."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.message = message
        self.hint = hint


async def missing_roles(connection: Connection) -> list[Role]:
    """Return the roles that this server lacks."""
    rows = await connection.fetch("select rolname from pg_roles where rolname = any($1)", [role.value for role in Role])
    return [role for role in Role if role not in {row["rolname"] for row in rows}]


async def create_roles(connection: Connection) -> None:
    """Create the missing roles, and make the current user a member of them.

    Another database of the server may create them at the same time. Raises ConfigError when the user lacks the right; its
    hint has the command for the server's administrator.
    """
    user: str = await connection.fetchval("select current_user")
    for role in await missing_roles(connection):
        try:
            async with connection.transaction():
                for statement in create_statements(role):
                    await connection.execute(statement)
                if not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
                    await connection.execute(grant_statement(role, user))
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            continue  # created meanwhile by the migration of another database
        except asyncpg.InsufficientPrivilegeError as fault:
            raise ConfigError(
                f"role {role} is missing, and user {user!r} may not create it ({first_line(fault)})",
                hint="Ask the server's administrator to run `archstats-sensor db roles | sudo -u postgres psql`.",
            ) from fault


async def renew_limits(connection: Connection) -> None:
    """Set the limits of roles that an earlier version created, as far as this user may: they also bind sessions in psql."""
    for role in Role:
        config = await connection.fetchval(
            "select coalesce(rolconfig, '{}') from pg_roles where rolname = $1", role.value
        )
        if {f"{name}={value}" for name, value in LIMITS.items()} <= set(config or ()):
            continue
        with suppress(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                for statement in create_statements(role)[1:]:
                    await connection.execute(statement)


def create_statements(role: Role) -> list[str]:
    """Return the statements that create a role with its limits."""
    return [
        f"create role {role} login",
        *(f"alter role {role} set {name} = '{value}'" for name, value in LIMITS.items()),
        *_membership(role),
    ]


def _membership(role: Role) -> list[str]:
    """Return the statements that let another role take this one. Its attribute stands first: each grant keeps it."""
    member = TAKEN_BY.get(role)
    return [] if member is None else [f"alter role {member} noinherit", f"grant {role} to {member}"]


def grant_statement(role: str, user: str) -> str:
    """Return the statement that makes a user a member of a role."""
    return f"grant {role} to {quoted(user)}"


def quoted(name: str) -> str:
    """Return an SQL identifier in quotes, since an identifier cannot be a parameter."""
    return '"' + name.replace('"', '""') + '"'


def role_error(role: str, user: str, fault: asyncpg.PostgresError) -> RoleRefused | None:
    """Return the error of a connection that failed because of its role; None when the fault has another cause."""
    if isinstance(fault, asyncpg.InvalidParameterValueError):
        return RoleRefused(
            f"role {role} does not exist on the server ({first_line(fault)})", hint="Run `archstats-sensor db migrate`."
        )
    if isinstance(fault, asyncpg.InsufficientPrivilegeError):
        return RoleRefused(
            f"user {user!r} may not act as {role} ({first_line(fault)})",
            hint=f"Log in as {role} (POSTGRES_USER), or ask the server's administrator to run `{grant_statement(role, user)}`.",
        )
    return None


def first_line(fault: asyncpg.PostgresError) -> str:
    """Return the server's message without its detail lines."""
    return str(fault).partition("\n")[0]
