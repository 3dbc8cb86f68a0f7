"""A look that fails for want of a descriptor is no finding: neither "newer schema", nor "no server", nor "no such driver"."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import difflib, errno, importlib.metadata, os, resource, sys
from pathlib import Path
from edge.common.postgres.embedded.lock_files import working_processes
from edge.common.postgres.migrate import known_migrations
from drivers import registry
from drivers.transport import terminal_owner
from simulators.devices import registry as simulators
looks = {
    "migrations": known_migrations,
    "servers": lambda: working_processes(Path("/")),
    "drivers": lambda: registry.load_driver("bow.other"),
    "simulators": lambda: simulators.load_simulator("bow.other"),
    "login": lambda: terminal_owner.foreign_owner(Path(sys.argv[2])),
}
look = looks[sys.argv[1]]
lowest_free = os.dup(0)
os.close(lowest_free)
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limit[1]))
try:
    look()
except OSError as fault:
    if fault.errno != errno.EMFILE:
        raise
else:
    sys.exit("it found something without a descriptor")
resource.setrlimit(resource.RLIMIT_NOFILE, limit)
if sys.argv[1] == "migrations":
    assert known_migrations(), "nothing is remembered of the failed look"
"""


@pytest.mark.parametrize("look", ["migrations", "servers", "drivers", "simulators", "login"])
def test_a_look_without_a_descriptor_finds_nothing_out(look: str) -> None:
    terminal, other_end = os.openpty()
    try:
        words = [sys.executable, "-c", PROGRAM, look, os.ttyname(other_end)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    finally:
        os.close(terminal)
        os.close(other_end)
    assert (done.returncode, done.stderr) == (0, "")
