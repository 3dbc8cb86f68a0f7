"""An ``archstats-push`` process of its own, with limited descriptors, its log in a file."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.common.config.settings import ServiceSettings
from tests.edge.push.crowd import answer
from tests.edge.push.serving import WITHIN_S

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class PushProcess:
    """A running service."""

    port: int
    log: Path
    pid: int

    async def health(self) -> tuple[int, dict[str, Any]]:
        """Status and report of ``/healthz``; status 0 when the connection is closed without an answer."""
        status, body = await answer(self.port, HEALTH)
        return status, json.loads(body) if body else {}

    def lines(self) -> list[str]:
        """The log."""
        return self.log.read_text().splitlines()


@asynccontextmanager
async def push_process(
    settings: ServiceSettings, folder: Path, descriptors: tuple[int, int], **environment: str
) -> AsyncIterator[PushProcess]:
    """Run a service on a free port under the soft and the hard limit of ``descriptors``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = settings.database
    variables = {
        "POSTGRES_USER": database.user, "POSTGRES_DB": database.db, "POSTGRES_SOCKET_DIR": str(database.socket_dir),
        "ARCH_STATS_SERVER_PORT": str(port), "PATH": os.environ["PATH"], **environment,
    }  # fmt: skip
    log = folder / "push.log"
    with log.open("w") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge.cli.daemons.push", env=variables, stderr=file, cwd=Path.cwd(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, descriptors),
        )  # fmt: skip
    running = PushProcess(port, log, process.pid)
    try:
        async with asyncio.timeout(WITHIN_S):
            while (await running.health())[0] != 200:
                await asyncio.sleep(0.05)
        yield running
    finally:
        process.terminate()
        async with asyncio.timeout(WITHIN_S):
            await process.wait()
