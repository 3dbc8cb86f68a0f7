"""A driver package outside the tree is found by its entry points and passes the contract suite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
"""The skeleton of docs/writing-a-driver.md, and drivers of other devices written only from that page."""
RUN_S = 300.0


def install(source: Path, site: Path) -> None:
    """Install a package's modules and entry points into ``site``, without building a wheel."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = project["name"].replace("-", "_")
    shutil.copytree(source / module, site / module)
    info = site / f"{module}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items()) for group, points in groups
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.mark.timeout(RUN_S + 20)
@pytest.mark.parametrize(
    "name",
    [
        "chirp-bow",
        pytest.param("tally-target", marks=pytest.mark.long),
        pytest.param("gong-target", marks=pytest.mark.long),
    ],
)
def test_a_driver_outside_the_tree_passes_the_suite(name: str, tmp_path: Path) -> None:
    source = EXAMPLES / name
    site, work = tmp_path / "site", tmp_path / "work"
    site.mkdir()
    install(source, site)
    shutil.copytree(source / "tests", work)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "addopts=", "."],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout
