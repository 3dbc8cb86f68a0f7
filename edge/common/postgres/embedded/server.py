"""The embedded PostgreSQL for an event loop: its calls run one after the other in a thread of their own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.common.postgres.embedded.cluster import DATABASE, USER, EmbeddedPostgres
from edge.common.postgres.embedded.paths import PORT, default_base_dir


class EmbeddedServer:
    """One process's use of the server in ``base_dir``, or in the default folder when that is None."""

    user = USER
    database = DATABASE
    port = PORT

    def __init__(self, base_dir: Path | None) -> None:
        self._server = EmbeddedPostgres(base_dir or default_base_dir())
        self.base_dir = self._server.base_dir
        self.socket_dir = self._server.socket_dir
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded-postgres")

    async def start(self) -> None:
        """Join or start the server.

        Raises ConfigError when it can never work here, PostgresStartError when it does not start now.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._server.start)

    async def stop(self) -> None:
        """Leave the server, also right after a cancelled start: the thread finishes that one first."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._server.stop)
        finally:
            self._thread.shutdown()
