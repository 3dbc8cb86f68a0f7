"""Connections to PostgreSQL with deadlines, and the wait for a database that is away."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from tenacity import RetryCallState
from tenacity.wait import wait_random_exponential

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import DATABASE_FAULTS, Connection, Pool
from edge.common.postgres.epoch import heal_foreign_xids
from edge.common.postgres.migrate import schema_state
from edge.common.postgres.roles import Role, RoleRefused, role_error
from edge.common.postgres.session_settings import (
    OBSERVED,
    READ_SETTINGS,
    durability_warnings,
    lost_settings,
    session_settings,
)
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick

if TYPE_CHECKING:
    from edge.common.postgres.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3.0
COMMAND_TIMEOUT_S = 10.0
"""Longest wait for an answer. Longer than the server's own limit for a statement, so that the server's error arrives first."""
POOLED_IDLE_S = 30.0
"""Time after which a pool closes an unused connection: sooner than the server does."""
DEFAULT_SOCKET_DIRS = (Path("/run/postgresql"), Path("/var/run/postgresql"))
BACKOFF = wait_random_exponential(multiplier=0.1, max=5.0)
"""Pause in seconds between attempts to reach a database that is away."""


class Readiness(StrEnum):
    """Whether the database can serve this build, as logged."""

    READY = "ready"
    NOT_READY = "not ready"


class Durability(StrEnum):
    """Whether the server keeps what it has stored through a power cut, as logged."""

    AT_RISK = "at risk"


class SettingsLost(ConnectionError):
    """A connection without the settings that this process needs, as behind a pooler that ignores them."""


class Database:
    """The address of the database, and the user, role and limits of this process's connections."""

    def __init__(
        self,
        settings: ServiceSettings,
        application: str,
        role: Role | None = None,
        server: EmbeddedServer | None = None,
    ) -> None:
        self.channel = settings.ws_channel
        self._service = settings
        self._settings = settings.database
        self._application = application
        self._server = server
        self.durability = Transitions(log, "the server's durability")
        """Whether the server keeps what it has stored, as logged."""
        self.role = role
        """Role of this process; None for the login user's own rights."""
        self._role = role if role != self.user else None
        """Role to take after the login; None when the login user is that role."""
        self._server_settings = {**session_settings(role), "application_name": application[:63]}
        if self._role is not None:
            self._server_settings["role"] = self._role.value

    @property
    def user(self) -> str:
        """User name of the login."""
        return self._server.user if self._server is not None else self._settings.user

    def acting_as(self, role: Role) -> Database:
        """The same database with the rights of ``role``."""
        return Database(self._service, self._application, role, self._server)

    @property
    def location(self) -> str:
        """Description of the database, its user and its server for messages. Contains no secret."""
        if self._server is not None:
            return f"the embedded PostgreSQL in {self._server.base_dir}"
        port = self._settings.port
        addresses = [
            f"{host}/.s.PGSQL.{port}" if host[0] == "/" else f"{host}:{port}" for host in hosts_of(self._settings)
        ]
        return f"database {self._settings.db!r} at {' or '.join(addresses)} (user {self._settings.user!r})"

    async def connect(self) -> Connection:
        """Open a connection, which the caller closes. Restarts a dead embedded server first. Raises one of DATABASE_FAULTS."""
        return await self._connect()

    async def pool(self, min_size: int, max_size: int) -> Pool:
        """Open a pool, which the caller closes. Raises one of DATABASE_FAULTS."""
        return await asyncpg.create_pool(
            min_size=min_size,
            max_size=max_size,
            max_inactive_connection_lifetime=POOLED_IDLE_S,
            connect=self._connect,
        )

    async def _connect(self, *_: object, **pool_options: Any) -> Connection:
        if self._server is not None:
            await self._server.start()
            server = self._server
            hosts, port, name, password = [str(server.socket_dir)], server.port, server.database, None
        else:
            settings = self._settings
            hosts, port, name = hosts_of(settings), settings.port, settings.db
            password = settings.password or None
        try:
            connection: Connection = await asyncpg.connect(
                host=hosts, port=port, user=self.user, password=password, database=name,
                timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=self._server_settings,
                **pool_options,
            )  # fmt: skip
        except asyncpg.PostgresError as fault:
            error = role_error(self._role, self.user, fault) if self._role is not None else None
            if error is None:
                raise
            raise error from fault
        return connection


@asynccontextmanager
async def open_database(
    settings: ServiceSettings, *, application: str, role: Role | None = None
) -> AsyncIterator[Database]:
    """Yield the database of the settings. An embedded server is started or joined, and left at the end.

    ``application`` is the name that the server shows for this process, ``role`` the role that it takes. A server that is
    away raises no error here, but in ``connect``. Raises ConfigError when the embedded server can never work here.
    """
    if not settings.database.embedded:
        yield Database(settings, application, role)
        return
    # Imported here: a hub that uses the system's PostgreSQL never loads these modules.
    from edge.common.postgres.embedded.cluster import PostgresStartError
    from edge.common.postgres.embedded.server import EmbeddedServer

    server = EmbeddedServer(settings.database.database_dir)
    try:
        with suppress(PostgresStartError):  # connect() starts it again and raises the error
            await server.start()
        yield Database(settings, application, role, server)
    finally:
        await server.stop()


async def wait_until_ready(
    database: Database,
    *,
    stop: asyncio.Event | None = None,
    tick: Tick = no_tick,
    longest_pause_s: float = math.inf,
) -> None:
    """Wait without limit until the database answers and has this build's schema, or until ``stop`` is set.

    The pause between two attempts is at most ``longest_pause_s``. Each distinct reason for waiting is logged once. Raises
    ConfigError when the schema is newer than this build's, the database notifies on another channel, or a sensor or an
    assembler is to work at a centre.
    """
    state_log = Transitions(log, database.location)
    attempt = 0
    while not (stop is not None and stop.is_set()):
        tick()
        try:
            connection = await database.connect()
            try:
                state = await schema_state(connection)
                if state.current:
                    await _prepare(connection, database, tick)
            finally:
                connection.terminate()
        except RoleRefused as fault:
            state_log.enter(Readiness.NOT_READY, f"{describe_error(fault)}; trying again")
        except asyncpg.InsufficientPrivilegeError as fault:
            state_log.enter(
                Readiness.NOT_READY,
                f"{fault}; its grants are older than this build. Run `archstats-sensor db migrate`.",
            )
        except DATABASE_FAULTS as fault:
            state_log.enter(
                Readiness.NOT_READY,
                f"{describe_error(fault)}; trying again. Check with `archstats-sensor db status` that PostgreSQL runs and "
                "that the POSTGRES_* settings are right.",
            )
        else:
            state.require_known()
            state.require_channel(database.channel)
            if database.role in (Role.SENSOR, Role.SHOTS):
                state.require_hub()
            if state.current:
                if state_log.state is not None:
                    state_log.enter(Readiness.READY)
                return
            state_log.enter(
                Readiness.NOT_READY, "its schema is older than this build. Run `archstats-sensor db migrate`."
            )
        attempt += 1
        await _pause(min(backoff_s(attempt), longest_pause_s), stop)


async def _prepare(connection: Connection, database: Database, tick: Tick) -> None:
    """Check the settings of the connection and the server, and renew rows that came from another server.

    A sensor and a change by the API read none of those. Raises SettingsLost when a pooler dropped the settings.
    """
    rows = await connection.fetch(READ_SETTINGS, list(OBSERVED))
    effective = {row["name"]: row["value"] for row in rows}
    if lost := lost_settings(effective, database.role, database.user):
        raise SettingsLost(
            f"the connection lost the settings {', '.join(lost)}; connect to PostgreSQL itself, not to a pooler before it"
        )
    for warning in durability_warnings(effective):
        database.durability.enter(Durability.AT_RISK, warning)
    if database.role not in (Role.SENSOR, Role.API):
        await heal_foreign_xids(connection, tick)


def describe_error(fault: Exception) -> str:
    """Return the message of the fault, without a final full stop, or its type when it has none, as a time-out."""
    return str(fault).removesuffix(".") or type(fault).__name__


async def _pause(seconds: float, stop: asyncio.Event | None) -> None:
    """Wait for ``seconds``, or until ``stop`` is set."""
    if stop is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def backoff_s(failures: int, wait: wait_random_exponential = BACKOFF) -> float:
    """Return the pause in seconds after that many failures in a row: capped, and random so that processes do not retry in step."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.attempt_number = failures
    return wait(state)


def hosts_of(settings: DatabaseSettings) -> list[str]:
    """Return the addresses to try in order: socket folder, then host. Without either: the socket of this machine, then localhost."""
    configured = [str(host) for host in (settings.socket_dir, settings.host) if host]
    if configured:
        return configured
    sockets = [str(folder) for folder in DEFAULT_SOCKET_DIRS if (folder / f".s.PGSQL.{settings.port}").exists()]
    return [*sockets[:1], "localhost"]
