"""Each command of the benchmarks' README works: it prints figures with their floors, and saves them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import HEADER
from tests.acceptance.simulated_range import clean_environment
from tests.acceptance.test_docs import commands
from tests.test_project import ROOT

README = ROOT / "benchmarks" / "README.md"
WITHOUT_MAIN = {"__init__", "figures", "hub", "lanes", "load", "old_rows", "proc"}
"""Modules that the scripts share."""
PARTS = {"commit_floor", "fast_node", "write_loop"}
"""Programs that a script starts."""


def shown() -> dict[str, list[str]]:
    """The options of each script's command in the README."""
    words = [shlex.split(command.removeprefix("./dev exec python -m benchmarks.")) for command in commands(README)]
    return {script: options for script, *options in words}


def test_readme_describes_every_script() -> None:
    scripts = {path.stem for path in README.parent.glob("*.py")} - WITHOUT_MAIN - PARTS
    assert shown().keys() == scripts
    table = README.read_text().partition("## Scripts")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == scripts


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", shown())
def test_script_prints_and_saves_its_figures(script: str, tmp_path: Path) -> None:
    saved = tmp_path / "figures.json"
    words = [sys.executable, "-m", f"benchmarks.{script}", *shown()[script], "--json", str(saved)]
    done = subprocess.run(
        words, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(saved.read_text())["figures"]
    assert done.stdout.startswith(HEADER)
    assert [line.split(" | ")[0] for line in done.stdout.splitlines()[2:]] == [f"| {one['name']}" for one in figures]
    assert any(one["floors"] for one in figures)
    assert all(value > 0 for one in figures for value in (*one["floors"], *one["values"]) if one["floors"])
