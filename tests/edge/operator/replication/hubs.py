"""Database servers of hubs and of a centre, and the link between them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg

from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres
from edge.common.postgres.migrate import migrate
from edge.operator.replication import LinkState, publish, replication_links, subscribe
from tests.conftest import CHANNEL
from tests.edge.lane_rows import LaneRows, SessionSetup, started_ago
from tests.eventually import POLL_INTERVAL_S
from tests.postgres import copy_fresh_cluster, short_folder
from tests.proxy import Proxy, database_proxy

CONFIGURATION = """
wal_level = logical
fsync = off
wal_retrieve_retry_interval = '20ms'
wal_receiver_timeout = '3s'
wal_sender_timeout = '3s'
max_slot_wal_keep_size = '64MB'
autovacuum = off
max_sync_workers_per_subscription = 4
max_logical_replication_workers = 16
max_worker_processes = 24
max_wal_senders = 20
max_replication_slots = 20
"""
"""A lost link is noticed within 3 s instead of a minute, and the next attempt follows at once."""
CAUGHT_UP_S = 30.0


@dataclass
class DatabaseServer:
    """One PostgreSQL server with a migrated database."""

    server: EmbeddedPostgres

    @property
    def settings(self) -> ServiceSettings:
        """Settings of a process on this database."""
        database = DatabaseSettings(user=USER, db=DATABASE, socket_dir=self.server.socket_dir)
        return ServiceSettings(database=database, ws_channel=CHANNEL)

    async def connect(self) -> Connection:
        """Connect as the database's owner."""
        connection: Connection = await asyncpg.connect(
            host=str(self.server.socket_dir), user=USER, database=DATABASE, timeout=10
        )
        return connection

    async def restart(self) -> None:
        """Stop the server and start it again; every connection is lost."""
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)


@contextmanager
def running_server(configuration: str = CONFIGURATION) -> Iterator[DatabaseServer]:
    """A new server with an empty database, deleted afterwards."""
    base = short_folder()
    try:
        copy_fresh_cluster(base)
        with (base / "data" / "postgresql.conf").open("a") as file:
            file.write(configuration)
        server = EmbeddedPostgres(base)
        server.start()
        try:
            yield DatabaseServer(server)
        finally:
            server.stop()
    finally:
        shutil.rmtree(base)


@asynccontextmanager
async def database_server() -> AsyncIterator[DatabaseServer]:
    """A new server with a migrated database, deleted afterwards."""
    running = running_server()
    made = await asyncio.to_thread(running.__enter__)
    try:
        connection = await made.connect()
        await migrate(connection, CHANNEL)
        await connection.close()
        yield made
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


@dataclass
class ReplicatedHub:
    """A hub with a lane 1, and its link to the centre."""

    hub_id: int
    database: DatabaseServer
    link: Proxy
    connection: Connection
    lane: LaneRows

    @property
    def address(self) -> str:
        """Address of the hub's database as the centre reaches it, through the link."""
        return f"postgresql://{USER}@127.0.0.1:{self.link.port}/{DATABASE}"

    async def restart(self) -> None:
        """Restart the hub's server."""
        self.connection.terminate()
        await self.database.restart()
        self.connection = self.lane.connection = await self.database.connect()


@asynccontextmanager
async def replicated_hub(hub_id: int, session: SessionSetup | None) -> AsyncIterator[ReplicatedHub]:
    """A hub that publishes its tables, with devices ``bow-1`` and ``target-1`` on lane 1; empty without ``session``."""
    async with database_server() as database, database_proxy(database.settings) as link:
        connection = await database.connect()
        lane = LaneRows(connection, session or started_ago(0.0))
        if session is not None:
            await lane.build()
        await publish(connection, hub_id)
        hub = ReplicatedHub(hub_id, database, link, connection, lane)
        try:
            yield hub
        finally:
            hub.connection.terminate()


@dataclass
class Centre:
    """The central database."""

    database: DatabaseServer
    connection: Connection

    async def subscribe(self, hubs: Sequence[ReplicatedHub]) -> None:
        """Subscribe to the hubs and wait for the first copies."""
        for hub in hubs:
            await subscribe(self.connection, hub.address)
        await self.until_states({hub.hub_id: LinkState.STREAMING for hub in hubs})

    async def until_states(self, expected: dict[int, LinkState]) -> None:
        """Wait until the hubs have these states at the centre."""
        async with asyncio.timeout(CAUGHT_UP_S):
            while {link.hub_id: link.state for link in await replication_links(self.connection)} != expected:
                await asyncio.sleep(POLL_INTERVAL_S)

    async def until_equal(self, hub: ReplicatedHub) -> None:
        """Wait until the centre has every published row of a hub, and no other row of it."""
        async with asyncio.timeout(CAUGHT_UP_S):
            while await published_rows(hub.connection, hub.hub_id) != await published_rows(self.connection, hub.hub_id):
                await asyncio.sleep(POLL_INTERVAL_S)

    async def restart(self) -> None:
        """Restart the centre's server."""
        self.connection.terminate()
        await self.database.restart()
        self.connection = await self.database.connect()


@asynccontextmanager
async def range_of_hubs(
    session: SessionSetup | None, hub_ids: Sequence[int] = (1, 2)
) -> AsyncIterator[tuple[Centre, list[ReplicatedHub]]]:
    """A centre that is subscribed to these hubs."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(database_server())
        hubs = [await stack.enter_async_context(replicated_hub(hub_id, session)) for hub_id in hub_ids]
        centre = Centre(database, await database.connect())
        try:
            await centre.subscribe(hubs)
            yield centre, hubs
        finally:
            centre.connection.terminate()


async def published_rows(connection: Connection, hub_id: int) -> dict[str, list[str]]:
    """All rows of a hub in every replicated table, without the columns that each database sets itself."""
    rows: dict[str, list[str]] = {}
    for row in await connection.fetch("select name from replicated_tables()"):
        name = row["name"]
        own = ["xid", "updated_at"] if name == "device_states" else ["xid"]
        found = await connection.fetch(
            f"select (to_jsonb(t) - $2::text[])::text as row from {name} t where hub_id = $1 order by 1",
            hub_id,
            own,
        )
        rows[name] = [each["row"] for each in found]
    return rows
