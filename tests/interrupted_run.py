"""Tests that never end, for ``test_run_guard.py``, which interrupts them. Run only by name: pytest does not collect this file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.common.postgres.embedded.cluster import EmbeddedPostgres
from edge.common.postgres.embedded.lock_files import servers
from tests.chromium import chromium

STUBBORN = (
    "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; print('ready', flush=True); signal.pause()"
)
READY = "INTERRUPTED_RUN_READY"
"""Environment variable with the folder in which each test notes the processes that it started."""


def note(name: str, *pids: int) -> None:
    (Path(os.environ[READY]) / name).write_text(" ".join(map(str, pids)))
    signal.pause()


def test_server_and_daemon(cluster: EmbeddedPostgres) -> None:
    words = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "ready\n"
        note("server", daemon.pid, *servers(cluster.base_dir / "data"))


@pytest.mark.browser
async def test_browser() -> None:
    async with chromium() as browser:
        assert browser.is_connected()
        note("browser")
