"""The lock of a simulated range, and the programs it starts."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.simulation.fault_options import WireFaults
from edge.simulation.processes import CONTROL, LOCK, Folders, control_link, programs, range_lock
from edge.simulation.setup import range_devices
from simulators.world.range import FIXED_START_US, World


def test_second_range_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with range_lock(tmp_path / "logs"):
        log = tmp_path / "logs" / "bow-1.log"
        log.touch()
        with pytest.raises(CommandError, match=f"process {os.getpid()};") as refused, range_lock(tmp_path / "logs"):
            pass
        assert f"kill {os.getpid()}" in refused.value.hint
        assert log.exists()
    with range_lock(tmp_path / "logs"):
        assert not log.exists(), "a log of an earlier range"


def test_a_look_at_the_lock_refuses_no_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / LOCK).open("w") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(look, fcntl.LOCK_UN))  # the look ends meanwhile
        with range_lock(tmp_path):
            assert (tmp_path / LOCK).read_text() == str(os.getpid())


def test_programs_are_devices_simulators_and_modules(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "ports", tmp_path / "logs")
    environ = {"ARCH_STATS_SERVER_PORT": "8001", "ARCH_STATS_PORT": "/dev/ttyUSB0", "PATH": "/bin"}
    found = programs(range_devices(2), World(1, FIXED_START_US), WireFaults(), environ, folders)
    assert [program.name for program in found] == [
        "simulators", "bow-1", "target-1", "bow-2", "target-2", "archstats-shots", "archstats-push",
    ]  # fmt: skip
    bow = next(program for program in found if program.name == "bow-2")
    assert bow.environment["ARCH_STATS_PORT"] == str(folders.ports / "bow-2")
    assert bow.environment["ARCH_STATS_LANE"] == "2"
    assert bow.environment["ARCH_STATS_SERVER_PORT"] == "8001"
    assert "ARCH_STATS_PORT" not in found[0].environment
    assert max(found, key=lambda program: program.stop_order).name == "simulators"
    assert str(folders.control) in found[0].argv
    order = {program.name: program.stop_order for program in found}
    assert order["bow-1"] < order["archstats-shots"], "the last computation sees all that the sensors stored"


def test_a_device_at_pins_brings_its_simulator_along(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "ports", tmp_path / "logs")
    bow, target = range_devices(1)
    world = World(1, FIXED_START_US)
    found = programs([replace(bow, driver="bow.nock"), target], world, WireFaults(), {"PATH": "/bin"}, folders)
    simulators, daemon = found[0], found[1]
    assert simulators.argv[list(simulators.argv).index("--devices") + 1].startswith("target-1:")
    assert list(daemon.argv[1:]) == ["run", "bow-1", "--simulate"]
    assert daemon.environment["ARCH_STATS_DRIVER"] == "bow.nock"
    assert daemon.environment["ARCH_STATS_WORLD"] == world.to_json()
    assert "ARCH_STATS_PORT" not in daemon.environment
    switch = programs(range_devices(1, "nock:switch", "freetarget:v4"), world, WireFaults(), {"PATH": "/bin"}, folders)
    assert "target-1:target.freetarget::v4" in switch[0].argv
    assert list(switch[1].argv[1:]) == ["run", "bow-1", "--simulate", "--variant", "switch"]
    alone = programs([replace(bow, driver="bow.nock")], world, WireFaults(), {"PATH": "/bin"}, folders)
    assert [program.name for program in alone] == ["bow-1", "archstats-shots", "archstats-push"]


def test_a_simulated_scanner_brings_the_settings_of_its_daemon(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "ports", tmp_path / "logs")
    world, environ = World(1, FIXED_START_US), {"ARCH_STATS_REGION": "us", "PATH": "/bin"}
    desk, lane = (
        programs(range_devices(1, bow, has_scanner=True), world, WireFaults(), environ, folders)
        for bow in (None, "nock")
    )
    (scanner,) = [program for program in desk if program.name == "arrow-1"]
    assert scanner.environment["ARCH_STATS_REGION"] == "eu"
    assert scanner.environment["ARCH_STATS_PORT"] == str(folders.ports / "arrow-1")
    assert "ARCH_STATS_POLL_MS" not in scanner.environment
    assert "arrow-1:arrow.r200" in desk[0].argv[-1]
    (scanner,) = [program for program in lane if program.name == "arrow-1"]
    assert scanner.environment["ARCH_STATS_POLL_MS"] == "50"
    assert lane[0].argv[-1].endswith("arrow-1:arrow.r200::lane")
    assert not [program for program in lane if "ARCH_STATS_REGION" in program.environment and program is not scanner]


def test_control_socket_is_linked_beside_the_logs(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "ports", tmp_path / "logs")
    folders.logs.mkdir()
    (folders.logs / CONTROL).symlink_to("/tmp/archstats-dead/range.control")  # noqa: S108 - of a range that was killed
    with control_link(folders):
        assert (folders.logs / CONTROL).readlink() == folders.control
    assert not (folders.logs / CONTROL).is_symlink()
