"""An interrupted test run leaves no process, no folder and no shared memory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.eventually import eventually_blocking
from tests.interrupted_run import READY
from tests.run_guard import MEMORY, VARIABLE, Run, current, processes
from tests.test_project import ROOT

TESTS = ("server", "browser")


def names_of_run(pid: int) -> list[str]:
    """The names of runs in a process's environment; empty when it has ended."""
    try:
        settings = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
    return next((value.split() for name, _, value in (s.partition("=") for s in settings) if name == VARIABLE), [])


def shared_memory(pid: int) -> set[Path]:
    """The files in memory that a process has mapped."""
    return {Path(path) for path in re.findall(rf"{MEMORY}/\S+", Path(f"/proc/{pid}/maps").read_text())}


@contextmanager
def interrupted(ready: Path) -> Iterator[tuple[subprocess.Popen[bytes], Run, list[int]]]:
    """A run whose tests have started their processes: its controller, its name and the processes."""
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        str(len(TESTS)),
        "tests/interrupted_run.py",
    ]
    with subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, READY: str(ready)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        process_group=0,
    ) as controller:  # fmt: skip
        try:
            eventually_blocking(lambda: all((ready / name).exists() for name in TESTS), 60.0)
            pids = [int(pid) for name in TESTS for pid in (ready / name).read_text().split()]
            outer = current()
            assert outer is not None
            (name,) = {name for pid in processes(outer) for name in names_of_run(pid)} - {outer.name}
            assert set(pids) <= set(processes(Run(name)))
            yield controller, Run(name), pids
        finally:
            controller.kill()


@pytest.mark.browser
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGKILL),
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
    ],
)
def test_an_interrupted_run_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    with interrupted(tmp_path) as (controller, run, pids):
        shared = {path for pid in pids for path in shared_memory(pid)}
        assert shared, "that of PostgreSQL"
        assert all(folder.is_dir() for folder in run.folders)
        if number == signal.SIGINT:
            os.killpg(controller.pid, number)  # as a terminal does
        else:
            controller.send_signal(number)
        eventually_blocking(lambda: not processes(run) and not any(folder.exists() for folder in run.folders), 30.0)
        controller.wait(30)
    assert not [path for path in shared if path.exists()]
