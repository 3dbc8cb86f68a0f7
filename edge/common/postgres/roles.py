"""The database's roles: one for each module, with the least it needs. What each may do is ``edge/schema/grants.sql``.

Roles belong to the server, not to one of its databases, so several databases may want to make them at the same time.
They may log in but have no password: an installed hub lets each unit's user in by its name (``peer``), anybody else
takes a role after logging in as a member of it.
"""

from __future__ import annotations

from enum import StrEnum

import asyncpg

from edge.common.config.errors import ConfigError
from edge.common.postgres.connection import Connection

LIMITS = {
    "statement_timeout": "8s",
    # An open transaction holds back the feed of everybody.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "5s",
}
"""What the server allows every session of a module, also one that a person opens by hand under its role."""


class Role(StrEnum):
    """Whose rights a process takes."""

    SENSOR = "archstats_sensor"
    SHOTS = "archstats_shots"
    PUSH = "archstats_push"
    OPERATOR = "archstats_operator"
    """The technician's commands."""


class RoleRefused(ConnectionError):
    """The server does not let us act under a role. That can be mended while a service waits, so it is no ConfigError."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.message = message
        self.hint = hint


async def missing_roles(connection: Connection) -> list[Role]:
    """The roles that this server does not have."""
    rows = await connection.fetch("select rolname from pg_roles where rolname = any($1)", [role.value for role in Role])
    return [role for role in Role if role not in {row["rolname"] for row in rows}]


async def make_roles(connection: Connection) -> None:
    """Make the roles that are missing, and let the present user take them. Other databases of the server may do the same now.

    Raises ConfigError when the user may not, with what somebody has to run who may.
    """
    user: str = await connection.fetchval("select current_user")
    for role in await missing_roles(connection):
        try:
            async with connection.transaction():
                for statement in creation(role):
                    await connection.execute(statement)
                if not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
                    await connection.execute(membership(role, user))
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            continue  # another database's migration was faster
        except asyncpg.InsufficientPrivilegeError as fault:
            raise ConfigError(
                f"the role {role} is missing, and user {user!r} may not make it ({first_line(fault)})",
                hint="Let the server's administrator run: archstats-sensor db roles | sudo -u postgres psql",
            ) from fault


def creation(role: Role) -> list[str]:
    """The statements that make a role."""
    return [
        f"create role {role} login",
        *(f"alter role {role} set {name} = '{value}'" for name, value in LIMITS.items()),
    ]


def membership(role: str, user: str) -> str:
    """The statement that lets a user take a role."""
    return f"grant {role} to {quoted(user)}"


def quoted(name: str) -> str:
    """An SQL identifier, quoted: it cannot be a parameter."""
    return '"' + name.replace('"', '""') + '"'


def refused(role: str, user: str, fault: asyncpg.PostgresError) -> RoleRefused | None:
    """What a failed connection under a role means; None when the role has nothing to do with it."""
    if isinstance(fault, asyncpg.InvalidParameterValueError):
        return RoleRefused(
            f"the server does not know {role} ({first_line(fault)})", hint="Run: archstats-sensor db migrate"
        )
    if isinstance(fault, asyncpg.InsufficientPrivilegeError):
        return RoleRefused(
            f"user {user!r} may not act as {role} ({first_line(fault)})",
            hint=f"Log in as {role} (POSTGRES_USER), or let the server's administrator run: {membership(role, user)}",
        )
    return None


def first_line(fault: asyncpg.PostgresError) -> str:
    """What the server said, without its details."""
    return str(fault).partition("\n")[0]
