"""A daemon loads no command line, and ``--version`` and ``--help`` load no command. Sizes are measured in benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

COMMAND_LINE = {
    "typer", "click", "rich", "shellingham", "pygments", "argparse", "difflib", "edge.cli.app", "edge.simulation.simulate",
}  # fmt: skip
"""Modules of the technician's command line."""
SIMULATION = {
    "simulators", "edge.common.postgres.embedded.cluster", "edge.common.postgres.embedded.binaries", "gpiozero",
}  # fmt: skip
"""Modules of a simulated range: a hub has real devices and the system's PostgreSQL."""
NEVER = {"pydantic_settings", "sqlalchemy", "requests", "numpy", "unittest", "xml", "uvicorn", "starlette"}
"""Modules that no daemon needs, apart from the web server of the push service."""
SPARED = {"uvloop", "pydantic", "sqlite3", "importlib.metadata", "importlib.resources", "tempfile"}
"""Modules that a sensor daemon needs at its start only, in a child, or only while its database is away."""
STACKS = {
    "asyncpg", "pydantic", "uvicorn", "starlette", "tenacity", "serial", "sqlite3", "drivers", "simulators", "edge.shots",
    "edge.sensor", "edge.push", "edge.simulation", "edge.installer", "edge.operator", "edge.common.config.settings",
    "edge.common.postgres",
}  # fmt: skip
"""Modules that only running a command needs."""


def imported_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after ``code``."""
    show = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
    settings = {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": "/dev/ttyUSB0", "POSTGRES_HOST": "nowhere.invalid"}
    ended = subprocess.run(
        [sys.executable, "-c", show + textwrap.dedent(code)],
        env={**kept, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(ended.stderr.split())


def test_sensor_daemon_loads_no_command_line() -> None:
    # A unit's whole start except the loop: arguments, settings, driver.
    loaded = imported_by(
        """
        import edge.common.process.run
        edge.common.process.run.run_service = lambda *_, **__: 0
        from edge.cli.main import main
        main(["run", "bow-1"])
        """
    )
    assert {"edge.sensor.daemon", "drivers.link.driver", "asyncpg"} <= loaded
    assert not loaded & (COMMAND_LINE | SIMULATION | NEVER | SPARED)


def test_pins_load_no_devices_of_gpiozero() -> None:
    loaded = imported_by("import drivers.nock.driver, drivers.transport.gpio")
    assert "gpiozero.pins.pi" in loaded
    assert not loaded & {"gpiozero.output_devices", "gpiozero.pins.mock", "colorzero", *SPARED}
    assert "gpiozero.output_devices" in imported_by("import drivers.transport.gpio, gpiozero; gpiozero.LED")


@pytest.mark.parametrize("program", ["shots", "push"])
def test_other_services_load_no_command_line(program: str) -> None:
    loaded = imported_by(f"import edge.cli.daemons.{program}")
    assert f"edge.{program}.service" in loaded
    needed = {"argparse", "click"} | (NEVER & {"uvicorn", "starlette"} if program == "push" else set())
    assert not loaded & ((COMMAND_LINE | SIMULATION | NEVER | {"edge.sensor"}) - needed)


def test_version_loads_neither_typer_nor_a_command() -> None:
    loaded = imported_by("from edge.cli.main import main; main(['--version'])")
    assert "edge.cli.programs" in loaded
    assert not loaded & (STACKS | COMMAND_LINE | {"asyncio"})


def test_installed_command_loads_no_stack() -> None:
    loaded = imported_by("import edge.installer.command")
    assert not loaded & ((STACKS | COMMAND_LINE | {"asyncio"}) - {"edge.installer"})
    assert {name for name in loaded if name.startswith("edge.installer.")} == {
        "edge.installer.command",
        "edge.installer.hub",
    }


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_help_loads_no_command(words: list[str]) -> None:
    loaded = imported_by(f"from edge.cli.main import main; main({words})")
    assert "typer" in loaded
    assert not loaded & (STACKS | {"rich", "pygments"})
    assert {name for name in loaded if name.startswith("edge.cli.commands.")} == {"edge.cli.commands.options"}


def test_a_command_loads_no_other_stack() -> None:
    loaded = imported_by("from edge.cli.main import main; main(['session', '--help'])")
    assert "edge.cli.commands.session" in loaded
    assert not loaded & {"uvicorn", "starlette", "simulators", "edge.sensor", "edge.push", "edge.installer"}
