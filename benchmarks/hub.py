"""A temporary hub for a benchmark: its own migrated PostgreSQL and the real programs on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres
from edge.common.postgres.migrate import migrate

CHANNEL = "archy"
BIN = Path(sys.executable).parent
WITHIN_S = 30.0


class Hub:
    """The database and the programs started on it."""

    def __init__(self, folder: Path, socket_dir: Path) -> None:
        self.folder = folder
        self.socket_dir = socket_dir
        self._running: list[subprocess.Popen[bytes]] = []

    async def connect(self, database: str = DATABASE) -> Connection:
        """Connect as the owner of the database."""
        return await asyncpg.connect(host=str(self.socket_dir), user=USER, database=database, timeout=10)

    async def copy(self, template: str, database: str) -> None:
        """Create a database as a copy of another one that is not in use, in place of an earlier one of that name."""
        connection = await self.connect("postgres")
        try:
            await connection.execute(f"drop database if exists {database} with (force)")
            await connection.execute(f"create database {database} template {template} strategy file_copy")
        finally:
            await connection.close()

    def start(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        """Start a program of this environment; returns its pid."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_", "PYTHONDONT"))}
        database = {"POSTGRES_SOCKET_DIR": str(self.socket_dir), "POSTGRES_USER": USER, "POSTGRES_DB": DATABASE}
        with (self.folder / "output").open("ab") as output:
            process = subprocess.Popen(
                [str(BIN / words[0]), *words[1:]],
                env={**kept, **database, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._running.append(process)
        return process.pid

    def output(self) -> str:
        """Return the output of all programs so far."""
        return (self.folder / "output").read_text(errors="replace")

    def stop(self, pid: int) -> None:
        """Stop one program and wait for its exit."""
        for process in self._running:
            if process.pid == pid:
                process.send_signal(signal.SIGTERM)
                process.wait(WITHIN_S)

    def stop_all(self) -> None:
        """Stop all programs, the last one first."""
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def hub() -> Iterator[Hub]:
    """Run a hub without programs; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # SystemExit runs the cleanup below
    server = EmbeddedPostgres(folder)
    made = Hub(folder, server.socket_dir)
    try:
        server.start()
        (folder / "output").touch()
        asyncio.run(_migrate(made))
        yield made
    finally:
        made.stop_all()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def connect_from_environment() -> Connection:
    """Connect to the database of the hub, in a process that :meth:`Hub.start` started."""
    given = os.environ
    return await asyncpg.connect(
        host=given["POSTGRES_SOCKET_DIR"], user=given["POSTGRES_USER"], database=given["POSTGRES_DB"], timeout=10
    )


def until(holds: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {within_s:g} s")
        time.sleep(0.02)


async def eventually(
    holds: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str, within_s: float = WITHIN_S
) -> None:
    """Wait until a condition holds, while the loop runs on. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while True:
        held = holds()
        if held if isinstance(held, bool) else await held:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {within_s:g} s")
        await asyncio.sleep(0.02)


def free_port() -> int:
    """Return an unused TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Return whether a server accepts connections at the port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _migrate(made: Hub) -> None:
    connection = await made.connect()
    try:
        await migrate(connection, CHANNEL)
    finally:
        await connection.close()
