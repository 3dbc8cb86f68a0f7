"""What a unit starts imports nothing that only people need. How much that saves is measured in ``benchmarks/memory.py``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FOR_PEOPLE = {
    "typer",
    "click",
    "rich",
    "shellingham",
    "pygments",
    "argparse",
    "difflib",
    "edge.cli.app",
    "edge.simulation.simulate",
}
"""The technician's command line, and guesses at what somebody meant to type."""
FOR_SIMULATION = {
    "simulators",
    "edge.common.postgres.embedded.cluster",
    "edge.common.postgres.embedded.binaries",
    "gpiozero",
}
"""Of a range or a single machine: a hub has real devices and the system's PostgreSQL."""
NEVER = {"pydantic_settings", "sqlalchemy", "requests", "numpy", "unittest", "xml", "uvicorn", "starlette"}


def imported_by(code: str) -> set[str]:
    """The modules of an interpreter of its own after ``code``, which ends without a word."""
    show = "import atexit, sys; atexit.register(lambda: print(*sys.modules))\n"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
    settings = {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": "/dev/ttyUSB0", "POSTGRES_HOST": "nowhere.invalid"}
    ended = subprocess.run(
        [sys.executable, "-c", show + code],
        env={**kept, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(ended.stdout.split())


def test_a_sensor_daemon_starts_without_what_only_people_need() -> None:
    # All of a unit's start but the loop: its words, its settings, its driver.
    code = """
        import edge.common.process.run, sys
        edge.common.process.run.run_service = lambda *_, **__: 0
        from edge.cli.main import main
        main(["run", "bow-1"])
    """
    loaded = imported_by("\n".join(line.strip() for line in code.splitlines()))
    # sqlite3 comes at the start although it is rarely needed: the spool must open when disk or memory are in trouble.
    assert {"edge.sensor.daemon", "drivers.link.driver", "asyncpg", "sqlite3"} <= loaded
    assert not loaded & (FOR_PEOPLE | FOR_SIMULATION | NEVER)


@pytest.mark.parametrize("program", ["shots", "push"])
def test_the_other_services_start_without_it(program: str) -> None:
    loaded = imported_by(f"import edge.cli.{program}_main")
    assert f"edge.{program}.service" in loaded
    wanted_here = {"argparse", "click"} | (NEVER & {"uvicorn", "starlette"} if program == "push" else set())
    assert not loaded & ((FOR_PEOPLE | FOR_SIMULATION | NEVER | {"drivers", "edge.sensor"}) - wanted_here)
