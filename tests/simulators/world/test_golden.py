"""The world equals the golden file under every Python version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators.world.golden import make

ROOT = Path(__file__).parents[3]
GOLDEN = Path(make.__file__).with_name("world.jsonl")


def interpreters() -> list[str]:
    """Each Python 3.11 to 3.14 of this machine once, without our packages."""
    versions = [f"3.{minor}" for minor in range(11, 15)]
    found: dict[str, str] = {}
    for version in versions:
        on_path = shutil.which(f"python{version}", path="/usr/local/bin:/usr/bin:/bin")
        pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
        candidates = [*([on_path] if on_path else []), *map(str, pyenv)]
        if candidates:
            found[version] = candidates[0]
    return list(found.values()) or [sys.executable]


def test_this_python_reproduces_the_golden_world() -> None:
    assert make.lines() == GOLDEN.read_text().splitlines()


@pytest.mark.parametrize("python", interpreters())
def test_bare_pythons_reproduce_the_golden_world(python: str) -> None:
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(
        [python, "-S", make.__file__], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    assert made.stdout == GOLDEN.read_text()
