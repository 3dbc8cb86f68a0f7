"""The way to PostgreSQL: connections with deadlines, and patience while it is away."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from tenacity import RetryCallState
from tenacity.wait import wait_random_exponential

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import DATABASE_FAULTS, Connection, Pool
from edge.common.postgres.migrate import schema_state
from edge.common.postgres.roles import LIMITS, Role, RoleRefused, refused
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick, no_tick

if TYPE_CHECKING:
    from edge.common.postgres.embedded.server import EmbeddedServer

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3.0
COMMAND_TIMEOUT_S = 10.0
"""Longest wait for an answer. Longer than what the server itself allows a statement, so that its error is the one seen."""
SERVER_SETTINGS = {
    **LIMITS,
    # The server lets go of a client that is gone without a word, over TCP.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}
DEFAULT_SOCKET_DIRS = (Path("/run/postgresql"), Path("/var/run/postgresql"))
BACKOFF = wait_random_exponential(multiplier=0.1, max=5.0)
"""Seconds between tries to reach a database that is away."""


class Database:
    """Where the database is and how this process presents itself there."""

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
        self._role = role if role != self.user else None
        """What is to be taken after logging in: nothing when we log in as it."""
        self._server_settings = {**SERVER_SETTINGS, "application_name": application[:63]}
        if self._role is not None:
            self._server_settings["role"] = self._role.value

    @property
    def user(self) -> str:
        """Who logs in."""
        return self._server.user if self._server is not None else self._settings.user

    def acting_as(self, role: Role) -> Database:
        """The same database with the rights of ``role``."""
        return Database(self._service, self._application, role, self._server)

    @property
    def where(self) -> str:
        """For people: which database, on which server. Holds no secret."""
        if self._server is not None:
            return f"the embedded PostgreSQL in {self._server.base_dir}"
        port = self._settings.port
        tried = [f"{host}/.s.PGSQL.{port}" if host[0] == "/" else f"{host}:{port}" for host in hosts_of(self._settings)]
        return f"database {self._settings.db!r} of user {self._settings.user!r} at {' or '.join(tried)}"

    async def connect(self) -> Connection:
        """Open a connection of the caller's own. Raises one of DATABASE_FAULTS, and brings a dead embedded server back first."""
        return await self._connect()

    async def pool(self, min_size: int, max_size: int) -> Pool:
        """Open a pool, which the caller closes. Raises one of DATABASE_FAULTS."""
        return await asyncpg.create_pool(min_size=min_size, max_size=max_size, connect=self._connect)

    async def _connect(self, *_: object, **pool_options: Any) -> Connection:
        if self._server is not None:
            await self._server.start()
            own = self._server
            hosts, port, name, password = [str(own.socket_dir)], own.port, own.database, None
        else:
            known = self._settings
            hosts, port, name = hosts_of(known), known.port, known.db
            password = known.password.get_secret_value() if known.password else None
        try:
            connection: Connection = await asyncpg.connect(
                host=hosts, port=port, user=self.user, password=password, database=name,
                timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=self._server_settings,
                **pool_options,
            )  # fmt: skip
        except asyncpg.PostgresError as fault:
            told = refused(self._role, self.user, fault) if self._role is not None else None
            if told is None:
                raise
            raise told from fault
        return connection


@asynccontextmanager
async def open_database(
    settings: ServiceSettings, *, application: str, role: Role | None = None
) -> AsyncIterator[Database]:
    """The database of the settings; the embedded server is started or joined, and left at the end.

    ``application`` is the name the server shows for us, ``role`` whose rights we take. A server that is away is no
    error here but at ``connect``. Raises ConfigError when the embedded server can never work here.
    """
    if not settings.database.embedded:
        yield Database(settings, application, role)
        return
    # A hub whose PostgreSQL is the system's runs without these.
    from edge.common.postgres.embedded.cluster import PostgresStartError
    from edge.common.postgres.embedded.server import EmbeddedServer

    server = EmbeddedServer(settings.database.database_dir)
    try:
        with suppress(PostgresStartError):  # told by connect(), which tries again
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
    """Wait until the database answers and has this build's schema, for ever, or until ``stop`` is set.

    At most ``longest_pause_s`` pass between two tries. A database that is away, refuses us or is older is told of once
    for each change. Raises ConfigError when its schema is newer than this build's, or it rings under another channel.
    """
    told = Transitions(log, database.where)
    attempt = 0
    while not (stop is not None and stop.is_set()):
        tick()
        try:
            connection = await database.connect()
            try:
                state = await schema_state(connection)
            finally:
                connection.terminate()
        except RoleRefused as fault:
            told.enter("not ready", f"{fault}; trying again")
        except asyncpg.InsufficientPrivilegeError as fault:
            told.enter("not ready", f"{fault}; its grants are older than this build; run: archstats-sensor db migrate")
        except DATABASE_FAULTS as fault:
            told.enter(
                "not ready",
                f"{describe_error(fault)}; check that it runs and the POSTGRES_* settings (archstats-sensor db status tries them); "
                "trying again",
            )
        else:
            state.refuse_foreign()
            state.refuse_channel(database.channel)
            if state.current:
                if told.state is not None:
                    told.enter("ready")
                return
            told.enter("not ready", "its schema is older than this build; run: archstats-sensor db migrate")
        attempt += 1
        await _pause(min(backoff_s(attempt), longest_pause_s), stop)


def describe_error(fault: Exception) -> str:
    """The fault in words, also when it brings none of its own, as a time-out does."""
    return str(fault) or type(fault).__name__


async def _pause(seconds: float, stop: asyncio.Event | None) -> None:
    """Wait, cut short by ``stop``."""
    if stop is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def backoff_s(failures: int, wait: wait_random_exponential = BACKOFF) -> float:
    """Seconds to pause after so many failures in a row: capped, and random so that processes do not retry in step."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    state.attempt_number = failures
    return wait(state)


def hosts_of(settings: DatabaseSettings) -> list[str]:
    """Where to try, in this order: the socket's folder, the host; without either what the machine has."""
    named = [str(host) for host in (settings.socket_dir, settings.host) if host]
    if named:
        return named
    sockets = [str(folder) for folder in DEFAULT_SOCKET_DIRS if (folder / f".s.PGSQL.{settings.port}").exists()]
    return [*sockets[:1], "localhost"]
