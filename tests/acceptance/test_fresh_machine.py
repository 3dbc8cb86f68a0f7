"""The README's two commands in a fresh clone with an empty home folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.simulated_range import clean_environment, descendants, free_port
from tests.postgres import disk_folder
from tests.run_guard import VARIABLE
from tests.test_project import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
FIRST_SHOT_WITHIN_S = 60.0
STOPPED_WITHIN_S = 3.0


@pytest.fixture
def clone() -> Iterator[tuple[Path, dict[str, str]]]:
    """A clone of the last commit that is set up, and the environment of a new user.

    Too large for a folder in memory, and the path of a unix socket below it must be short.
    """
    folder = disk_folder()
    home, project = folder / "h", folder / "p"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
    kept = {
        key: value for key, value in clean_environment().items() if key in ("PATH", "LANG", "CI", "TMPDIR", VARIABLE)
    }
    environment = {**kept, "HOME": str(home), "ARCH_STATS_SERVER_PORT": str(free_port())}
    subprocess.run([project / "dev", "exec", "true"], env=environment, check=True, timeout=600)
    yield project, environment
    shutil.rmtree(folder, ignore_errors=True)


def test_dev_run_shows_shots_and_page_and_ends_with_ctrl_c(clone: tuple[Path, dict[str, str]]) -> None:
    project, environment = clone
    began = time.monotonic()
    process = subprocess.Popen(
        [project / "dev", "run"],
        env=environment,
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    page = shot = ""
    for line in process.stdout:
        page = page or (line if "Live page: http://" in line else "")
        shot = shot or (line if "lane 1 " in line and ":" in line[:9] and "mm" in line else "")
        if page and shot:
            break
    assert page
    assert shot
    assert time.monotonic() - began < FIRST_SHOT_WITHIN_S
    processes = descendants(process.pid)
    assert len(processes) >= 5
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    process.communicate(timeout=30)
    assert time.monotonic() - began < STOPPED_WITHIN_S
    assert process.returncode == 0
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []


def test_dev_test_passes(clone: tuple[Path, dict[str, str]]) -> None:
    project, environment = clone
    done = subprocess.run(
        [project / "dev", "test", "-q"],
        env=environment,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=840,
    )
    assert done.returncode == 0, done.stdout[-3000:]
