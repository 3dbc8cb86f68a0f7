"""The embedded PostgreSQL as seen from an event loop: a thread of its own does its calls one after the other."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres
from edge.common.postgres.embedded.paths import PORT, default_base_dir


class EmbeddedServer:
    """One process's hold on the server in ``base_dir``, or in the usual place when that is None."""

    user = USER
    database = DATABASE
    port = PORT

    def __init__(self, base_dir: Path | None) -> None:
        self._server = EmbeddedPostgres(base_dir or default_base_dir())
        self.base_dir = self._server.base_dir
        self.socket_dir = self._server.socket_dir
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded-postgres")

    async def start(self) -> None:
        """Join or start it. Raises ConfigError when it never can work here, PostgresStartError when it does not now."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._server.start)

    async def stop(self) -> None:
        """Also right after a cancelled start: the thread ends that one first."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._server.stop)
        finally:
            self._thread.shutdown()
