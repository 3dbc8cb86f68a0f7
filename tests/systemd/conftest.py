"""One installed hub for all tests of this folder: each restores it, so that their order does not matter."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.installed_hub import Hub, installed_hub
from tests.systemd.lab import booted
from tests.test_project import ROOT


def missing() -> str:
    """The first requirement of the lab that this machine lacks; empty when it has everything."""
    if os.geteuid() != 0:
        return "root"
    for program, package in (("unshare", "util-linux"), ("pg_createcluster", "postgresql"), ("udevadm", "udev")):
        if shutil.which(program) is None:
            return f"the package {package}"
    return "" if Path("/lib/systemd/systemd").exists() else "the package systemd"


def require_lab() -> None:
    """Skip when this machine cannot run the lab; fail in CI."""
    lacks = missing()
    if lacks and os.environ.get("CI") == "true":
        pytest.fail(f"needs {lacks} to boot a systemd")
    if lacks:
        pytest.skip(f"needs {lacks} to boot a systemd")


@pytest.fixture(scope="package")
def hub() -> Iterator[Hub]:
    """A booted hub with PostgreSQL, installed by ``archstats-sensor install``, with a bow and a target on pseudo-terminals.

    It ends with the last test of this folder: its archer shoots as long as it runs, which the tests after it would pay for.
    """
    require_lab()
    with booted(binds={ROOT: ROOT}) as lab, installed_hub(lab) as made:
        yield made
