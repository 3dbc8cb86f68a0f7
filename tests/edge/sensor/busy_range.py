"""A busy node and its daemon, each in a process of its own, and a database that can be disconnected."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from tests.eventually import eventually
from tests.proxy import Proxy

BIN = Path(sys.executable).parent
NAME = "bow-9"


@dataclass
class Process:
    """A child and its output."""

    child: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def listen(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while line := await stream.readline():
            self.lines.append(line.decode())

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):
            self.child.send_signal(number)

    async def ended(self, within_s: float = 30.0) -> int:
        async with asyncio.timeout(within_s):
            return await self.child.wait()


class BusyRange:
    """``node`` senses events; ``daemon`` reads them."""

    def __init__(self, folder: Path, settings: ServiceSettings, proxy: Proxy, tasks: asyncio.TaskGroup) -> None:
        self.port = folder / "port"
        self.spool_dir = folder / "spool"
        self.proxy = proxy
        self.node: Process
        self.daemon: Process
        self._settings = settings
        self._tasks = tasks
        self._started: list[Process] = []

    async def start_node(self, rate_hz: float) -> None:
        self.node = await self.start(
            [sys.executable, "-m", "tests.edge.sensor.busy_node", str(self.port), str(rate_hz)]
        )
        await eventually(self.port.exists, 30)

    async def start_daemon(self, **more: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
        own = {
            "POSTGRES_SOCKET_DIR": str(self.proxy.socket_dir),
            "POSTGRES_USER": self._settings.database.user,
            "POSTGRES_DB": self._settings.database.db,
            "ARCH_STATS_DRIVER": "bow.link",
            "ARCH_STATS_PORT": str(self.port),
            "ARCH_STATS_LANE": "9",
            "ARCH_STATS_SPOOL_DIR": str(self.spool_dir),
        }
        words = [str(BIN / "archstats-sensor"), "run", NAME]
        self.daemon = await self.start(words, {**kept, **own, **more})

    async def start(self, words: list[str], environment: Mapping[str, str] | None = None) -> Process:
        child = await asyncio.create_subprocess_exec(
            *words, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        process = Process(child)
        self._started.append(process)
        self._tasks.create_task(process.listen(child.stdout))
        self._tasks.create_task(process.listen(child.stderr))
        return process

    def progress(self) -> dict[str, int]:
        """The latest counters of the node."""
        lines = [line for line in self.node.lines if line.startswith("{")]
        counters: dict[str, int] = json.loads(lines[-1]) if lines else {"last": 0, "acknowledged": 0, "pending": 0}
        return counters

    async def acknowledged(self, more: int, within_s: float = 60.0) -> int:
        """Wait until the node has received this many more acknowledgements; returns their total."""
        wanted = self.progress()["acknowledged"] + more
        await eventually(lambda: self.progress()["acknowledged"] >= wanted, within_s)
        return self.progress()["acknowledged"]

    async def finish_sensing(self, within_s: float = 60.0) -> int:
        """Stop the sensing and wait until every event is acknowledged; returns the number of the last event."""
        self.node.kill(signal.SIGUSR1)
        await eventually(lambda: bool(self.progress().get("resting")) and self.progress()["pending"] == 0, within_s)
        assert self.progress()["overflow"] == 0
        return self.progress()["last"]

    def memory_kb(self, key: str) -> int:
        """``VmRSS`` or ``VmHWM`` of the daemon, in kB."""
        lines = Path(f"/proc/{self.daemon.child.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(key)))

    def written_bytes(self) -> int:
        """Bytes that the daemon has written to disks."""
        lines = Path(f"/proc/{self.daemon.child.pid}/io").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("write_bytes")))

    def stop(self) -> None:
        self.port.unlink(missing_ok=True)  # the number of this terminal is soon reused by another test
        for process in self._started:
            if process.child.returncode is None:
                process.kill()


@asynccontextmanager
async def busy_range(folder: Path, settings: ServiceSettings, proxy: Proxy) -> AsyncIterator[BusyRange]:
    """Yields with no process started; at the end all are killed."""
    async with asyncio.TaskGroup() as tasks:
        running = BusyRange(folder, settings, proxy, tasks)
        try:
            yield running
        finally:
            running.stop()
            for process in running._started:
                await process.child.wait()


async def stored(connection: Connection, count: int, within_s: float = 60.0, *, up_to: int = 1 << 62) -> None:
    """Wait until the database holds this many readings, of those with no higher number than ``up_to``."""
    counted = "select count(*) from readings where device_id = $1 and seq <= $2"
    async with asyncio.timeout(within_s):
        while await connection.fetchval(counted, NAME, up_to) < count:
            await asyncio.sleep(0.05)


async def complete_and_in_order(connection: Connection, last: int) -> None:
    """Every event from 1 to ``last`` is stored once, in the order in which the device sent them.

    At the first contact a node repeats pending events, so the order need not be that of their numbers. Events that
    arrive in one read differ in time of receipt by microseconds only.
    """
    facts = await connection.fetchrow(
        """
        select count(*) filter (where seq <= $2) as up_to, count(distinct stream_id) as streams,
            bool_and(received_at >= before - interval '5 ms') as ordered
        from (select seq, stream_id, received_at,
                  lag(received_at, 1, '-infinity'::timestamptz) over (order by xid, received_at, seq) as before
              from readings where device_id = $1) received
        """,
        NAME,
        last,
    )
    assert facts is not None
    assert (*facts.values(),) == (last, 1, True), dict(facts)
