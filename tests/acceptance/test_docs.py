"""Every command in the docs works: each page runs in a new home folder with its own database."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from edge.common.postgres.embedded.cluster import EmbeddedPostgres
from tests.acceptance.simulated_range import BIN, clean_environment, free_port
from tests.eventually import eventually_blocking
from tests.postgres import copy_fresh_cluster
from tests.test_project import ROOT, tracked

PROGRAMS = ("archstats-sensor", "archstats-shots", "archstats-push")
LASTING = (
    "archstats-shots",
    "archstats-push",
    "archstats-sensor run",
    "archstats-sensor --simulate",
    "archstats-sensor emulate",
)
"""Commands that run until a signal stops them."""
LASTING_S = 1.5
WITHIN_S = 60.0
"""Longest run of a command that takes one or two seconds on an idle machine; other tests check exact times."""
FROM_NOTHING = ("README.md", "live-page.md")
"""Pages whose commands create the database cluster, and start and stop its server. The others find one that runs."""
ELSEWHERE = {
    "./dev run": "tests/acceptance/test_fresh_machine.py",
    "./dev test": "tests/acceptance/test_fresh_machine.py and CI",
}
"""Commands with a test of their own."""
PREPARED = {
    "api.md": "tests/edge/push/api/changes/test_docs.py",
    "arrows.md": "tests/edge/cli/arrow/test_docs.py",
    "commands.md": "tests/edge/cli/commands/test_devices.py",
    "faces.md": "tests/edge/cli/commands/test_faces.py",
    "judging.md": "tests/edge/cli/commands/test_judging.py",
    "calibration.md": "tests/edge/cli/commands/test_calibrate_target.py",
    "spool.md": "tests/edge/cli/commands/test_quarantine.py",
    "scaling.md": "tests/edge/cli/commands/test_replicate.py",
    "statistics.md": "tests/edge/cli/commands/test_session_stats.py",
    "export.md": "tests/edge/cli/sessions/test_files.py",
}
"""Pages whose commands need shots, quarantined readings or several servers, with the test that runs them."""
SYSTEM = {"ls", "sudo", "docker", "journalctl", "systemctl", "curl", "psql", "git", "python3", "udevadm", "cd"}
"""Commands of the system, which need hardware, root or a network and do not run here."""


def pages() -> list[Path]:
    """The README and every page of the docs that needs no prepared data."""
    return [page for page in tracked("README.md", "docs/*.md", "docs/**/*.md") if page.name not in PREPARED]


def commands(page: Path) -> Iterator[str]:
    """The lines after a ``$`` in the page's console blocks, continued lines joined."""
    for block in re.findall(r"^[ ]*```console\n(.*?)^[ ]*```", page.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("$ "):
                yield line.strip().removeprefix("$ ").split("  #")[0].strip()


def without_wrapper(command: str) -> str:
    """The command without ``./dev exec`` or the installed environment's path."""
    for wrapper in ("./dev exec ", "/opt/archstats/bin/"):
        command = command.removeprefix(wrapper)
    return command


@contextmanager
def served(base: Path) -> Iterator[None]:
    """A server on an unused cluster in ``base`` that runs throughout, so that no command of the page has to start one."""
    copy_fresh_cluster(base)
    server = EmbeddedPostgres(base)
    server.start()
    try:
        yield
    finally:
        server.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_work(page: Path, short_path: Path) -> None:
    home = clean_environment(
        HOME=str(short_path), XDG_STATE_HOME=str(short_path / "s"), ARCH_STATS_SERVER_PORT=str(free_port()),
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    to_run = [shlex.split(without_wrapper(command)) for command in commands(page) if command not in ELSEWHERE]
    to_run = [words for words in to_run if words[0] not in SYSTEM]
    is_first = page.name in FROM_NOTHING or not to_run
    with nullcontext() if is_first else served(short_path / "s" / "archstats" / "postgres"):
        for words in to_run:
            settings = [word for word in words if re.match(r"^[A-Z_]+=", word)]
            if words[0] == "export":
                home |= dict(word.split("=", 1) for word in words[1:])
                continue
            words = words[len(settings) :]
            assert words[0] in PROGRAMS, f"{page.name}: unknown command '{shlex.join(words)}'"
            run(words, {**home, **dict(word.split("=", 1) for word in settings)}, short_path, page)


def run(words: list[str], environment: dict[str, str], folder: Path, page: Path) -> None:
    """Run one command. A lasting command is stopped after a while and must exit cleanly."""
    lasting = any(" ".join(words).startswith(start) for start in LASTING) and "--help" not in words
    process = subprocess.Popen(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if lasting:
        eventually_blocking(lambda: process.poll() is not None or handles_sigterm(process.pid), within_s=WITHIN_S)
    try:
        output, _ = process.communicate(timeout=LASTING_S if lasting else WITHIN_S)
    except subprocess.TimeoutExpired:
        assert lasting, f"{page.name}: {words} does not end"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=WITHIN_S)  # test_stopping.py checks the exact time
    assert process.returncode == 0, f"{page.name}: {words}: exit status {process.returncode}\n{output}"


def handles_sigterm(pid: int) -> bool:
    """Whether a process has installed its SIGTERM handler."""
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)
