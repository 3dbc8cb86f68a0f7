"""A hub for a benchmark: a PostgreSQL of its own, migrated, and the real programs on it, thrown away at the end."""

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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """The database, and the programs that were started on it."""

    def __init__(self, folder: Path, socket_dir: Path) -> None:
        self.folder = folder
        self.socket_dir = socket_dir
        self._running: list[subprocess.Popen[bytes]] = []

    async def connect(self) -> Connection:
        """A connection as the owner of everything."""
        return await asyncpg.connect(host=str(self.socket_dir), user=USER, database=DATABASE, timeout=10)

    def start(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        """Start one of the programs of this environment; returns its pid."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_", "PYTHONDONT"))}
        database = {"POSTGRES_SOCKET_DIR": str(self.socket_dir), "POSTGRES_USER": USER, "POSTGRES_DB": DATABASE}
        with (self.folder / "said").open("ab") as said:
            process = subprocess.Popen(
                [str(BIN / words[0]), *words[1:]],
                env={**kept, **database, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        self._running.append(process)
        return process.pid

    def said(self) -> str:
        """What the programs said so far."""
        return (self.folder / "said").read_text(errors="replace")

    def stop(self, pid: int) -> None:
        """End a program in order."""
        for process in self._running:
            if process.pid == pid:
                process.send_signal(signal.SIGTERM)
                process.wait(WITHIN_S)

    def stop_all(self) -> None:
        """End all, the last one first."""
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
    """A hub on which nothing runs yet."""
    folder = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # or the server would outlive us
    server = EmbeddedPostgres(folder)
    made = Hub(folder, server.socket_dir)
    try:
        server.start()
        asyncio.run(_migrate(made))
        yield made
    finally:
        made.stop_all()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def until(holds: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    """Wait until something holds. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {within_s:g} s")
        time.sleep(0.02)


def free_port() -> int:
    """A TCP port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _migrate(made: Hub) -> None:
    connection = await made.connect()
    try:
        await migrate(connection, CHANNEL)
    finally:
        await connection.close()
