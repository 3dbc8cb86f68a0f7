"""Testbed of a chaos run: PostgreSQL, a proxy in front of it, a simulated range, and a small disk for the spool."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import DATABASE_FAULTS
from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres
from edge.common.postgres.embedded.paths import SOCKET
from edge.common.postgres.migrate import migrate
from tests.acceptance.simulated_range import SimulatedRange, simulated_range
from tests.faults.earlier_boot import EarlierBoot, boot_before
from tests.faults.script import CHATTER_AFTER_S, CHATTER_S, NOISY
from tests.postgres import copy_fresh_cluster
from tests.proxy import Proxy

LANES = 2
"""Lanes whose shots must be the truth."""
CHATTER_HZ = 5000
WIRE_FAULTS = "reboot=0.004,unplug=0.006,drop=0.02,corrupt=0.02,text=0.02"
DISK_MB = 1


@dataclass
class Testbed:
    """The parts of the range that faults act on."""

    __test__ = False

    server: EmbeddedPostgres
    proxy: Proxy
    running: SimulatedRange
    disk: Path | None
    """Folder of the spools on a small disk; None when none can be mounted."""
    earlier: EarlierBoot
    """The boot of the hub before, with its closed sessions."""
    lanes: int = LANES
    """Lanes of the range; those beyond ``LANES`` are noisy."""
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def lock(self, victim: str) -> asyncio.Lock:
        """Return the lock that serialises the faults of one victim."""
        return self.locks.setdefault(victim, asyncio.Lock())

    async def start_postgres(self) -> None:
        """Start the server and wait until it accepts connections.

        The socket of a killed server still answers while its child processes live.
        """
        async with asyncio.timeout(60):
            while True:
                await asyncio.to_thread(self.server.start)
                with suppress(*DATABASE_FAULTS):
                    async with self.connection():
                        return
                await asyncio.sleep(0.05)

    async def stop_postgres(self) -> None:
        """Shut the server down in the regular way."""
        await asyncio.to_thread(self.server.stop)

    def postmaster(self) -> int:
        """The process id of the server."""
        return int((self.server.base_dir / "data" / "postmaster.pid").read_text().split()[0])

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection to the server that bypasses the proxy."""
        async with connection_to(self.server) as opened:
            yield opened


@asynccontextmanager
async def connection_to(server: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to a server as its owner."""
    opened = await asyncpg.connect(host=str(server.socket_dir), user=USER, database=DATABASE, timeout=10)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def new_testbed(folder: Path, seed: int, *, chatter: bool = False) -> AsyncIterator[Testbed]:
    """A testbed with a range at speed 20 that shoots until it is stopped; with ``chatter`` a target on one lane more chatters."""
    faults = f"{WIRE_FAULTS},chatter={NOISY}:{CHATTER_HZ}:{CHATTER_S}:{CHATTER_AFTER_S}" if chatter else WIRE_FAULTS
    copy_fresh_cluster(folder / "pg")
    server = EmbeddedPostgres(folder / "pg")
    await asyncio.to_thread(server.start)
    try:
        async with connection_to(server) as connection:
            await migrate(connection, ServiceSettings().ws_channel)
            earlier = await boot_before(connection, LANES)
        with small_disk(folder / "disk") as disk:
            async with Proxy(server.socket_dir / SOCKET) as proxy:
                environment = {
                    "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(proxy.port), "POSTGRES_USER": USER,
                    "POSTGRES_DB": DATABASE, "ARCH_STATS_SPOOL_DIR": str(disk or folder / "spool"),
                }  # fmt: skip
                options = (
                    "--seed",
                    str(seed),
                    "--speed",
                    "20",
                    "--lanes",
                    str(LANES + chatter),
                    "--assemblers",
                    "2",
                    "--fault",
                    faults,
                )
                async with simulated_range(folder / "range", *options, environment=environment) as running:
                    yield Testbed(server, proxy, running, disk, earlier, LANES + chatter)
    finally:
        await asyncio.to_thread(server.stop)


@contextmanager
def small_disk(place: Path) -> Iterator[Path | None]:
    """A file system of one megabyte; None when this user cannot mount it."""
    place.mkdir(parents=True)
    if os.geteuid() != 0:
        yield None
        return
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "archstats-faults", place], capture_output=True, check=False
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
