"""Wrong settings (exit status 78) and wrong arguments (2) each give one clear message with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli.daemons.device_config import plan_device
from edge.common.config.errors import ConfigError
from edge.common.config.settings import refuse_unknown
from tests.acceptance.simulated_range import clean_environment
from tests.warm_programs import WarmPrograms

CASES = {
    "unknown variable": (
        {"ARCH_STATS_SERVER_PROT": "8000"},
        ["archstats-push"],
        ["ARCH_STATS_SERVER_PROT", "ARCH_STATS_SERVER_PORT"],
    ),
    "page port that is not a number": (
        {"ARCH_STATS_SERVER_PORT": "eight"},
        ["archstats-push"],
        ["ARCH_STATS_SERVER_PORT", "eight"],
    ),
    "page port out of range": ({"ARCH_STATS_SERVER_PORT": "70000"}, ["archstats-push"], ["ARCH_STATS_SERVER_PORT"]),
    "database port": ({"POSTGRES_PORT": "x", "POSTGRES_USER": "a"}, ["archstats-shots"], ["POSTGRES_PORT"]),
    "channel": ({"ARCH_STATS_WS_CHANNEL": "No!"}, ["archstats-shots"], ["ARCH_STATS_WS_CHANNEL"]),
    "no driver": ({}, ["archstats-sensor", "run", "bow-1"], ["bow-1", "ARCH_STATS_DRIVER"]),
    "mistyped variable, and so no driver": (
        {"ARCH_STATS_DRIVR": "bow.link", "ARCH_STATS_BAUD": "9600"},
        ["archstats-sensor", "run", "bow-1"],
        ["unknown setting ARCH_STATS_DRIVR; bow-1: no driver", "Did you mean ARCH_STATS_DRIVER"],
    ),
    "bad driver name": (
        {"ARCH_STATS_DRIVER": "bow.lnk"},
        ["archstats-sensor", "run", "bow-1"],
        ["bow.lnk", "bow.link"],
    ),
    "no port": ({"ARCH_STATS_DRIVER": "bow.link"}, ["archstats-sensor", "run", "bow-1"], ["ARCH_STATS_PORT"]),
    "port of an unknown kind": (
        {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": "sokket://10.0.0.1:5"},
        ["archstats-sensor", "run", "bow-1"],
        ["sokket"],
    ),
    "light on a pin of the driver": (
        {"ARCH_STATS_DRIVER": "bow.nock", "ARCH_STATS_LIGHT_RED": "17"},
        ["archstats-sensor", "run", "bow-1"],
        ["ARCH_STATS_LIGHT_RED and ARCH_STATS_NOCK_PIN are both GPIO17"],
    ),
    "device name": ({"ARCH_STATS_DRIVER": "bow.link"}, ["archstats-sensor", "run", "Bow 1"], ["Bow 1"]),
}


MISTYPED = {
    "fault of a range": ({}, ["archstats-sensor", "--simulate", "--fault", "drp=0.1"], ["drp", "Did you mean drop?"]),
    "fault of a device": (
        {},
        ["archstats-sensor", "run", "bow-1", "--simulate", "--fault", "drop=5"],
        ["chance: '5'", "drop=0.05"],
    ),
    "fault of a real device": (
        {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": "/dev/ttyUSB0"},
        ["archstats-sensor", "run", "bow-1", "--fault", "drop=0.1"],
        ["bow-1", "--simulate"],
    ),
    "fault of an emulated device": ({}, ["archstats-sensor", "emulate", "bow.link", "--fault", "drop"], ["drop=0.05"]),
    "seed of no faults": ({}, ["archstats-sensor", "--simulate", "--fault-seed", "3"], ["--fault-seed", "--fault "]),
    "fault of a device at pins": (
        {"ARCH_STATS_DRIVER": "bow.nock"},
        ["archstats-sensor", "run", "bow-1", "--simulate", "--fault", "drop=0.1"],
        ["bow.nock has no line", "--fault"],
    ),
    "device without a line": ({}, ["archstats-sensor", "emulate", "bow.nock"], ["has no line", "run bow-1 --simulate"]),
    "unknown variant": (
        {"ARCH_STATS_DRIVER": "bow.nock"},
        ["archstats-sensor", "run", "bow-1", "--simulate", "--variant", "v4"],
        ["the simulated bow.nock has no variant 'v4'", "gates, switch"],
    ),
    "variant of a real device": (
        {"ARCH_STATS_DRIVER": "bow.nock"},
        ["archstats-sensor", "run", "bow-1", "--variant", "switch"],
        ["--variant needs a simulated device", "--simulate"],
    ),
    "driver without a simulator": ({}, ["archstats-sensor", "emulate", "bow.gpio"], ["bow.gpio", "bow.link"]),
    "world": ({}, ["archstats-sensor", "truth", "--seed", "1", "--since", "yesterday"], ["--since", "yesterday"]),
    "face": (
        {},
        ["archstats-sensor", "session", "open", "--face", "wa_41"],
        ["wa_41", "Did you mean wa_40?", "faces list"],
    ),
}
"""Exit status 2, independent of the settings."""


@pytest.mark.parametrize("case", [*CASES, *MISTYPED])
def test_fault_is_reported_once_with_a_remedy(case: str, tmp_path: Path, programs: WarmPrograms) -> None:
    variables, (program, *words), expected = (CASES | MISTYPED)[case]
    environment = clean_environment(ARCH_STATS_DATABASE_DIR=str(tmp_path), **variables)
    done = programs.run(program, *words, environment=environment, folder=tmp_path)
    assert done.returncode == (2 if case in MISTYPED else 78), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in expected:
        assert word in done.stderr
    assert not list(tmp_path.iterdir()), "the settings are checked before anything starts"


def test_device_settings_do_not_disturb_other_programs(tmp_path: Path, programs: WarmPrograms) -> None:
    variables = {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_NODE": "1", "ARCH_STATS_BAUD": "9600"}
    environment = clean_environment(ARCH_STATS_DATABASE_DIR=str(tmp_path), **variables)
    done = programs.run("archstats-sensor", "config", "check", environment=environment, folder=tmp_path)
    assert (done.returncode, done.stdout.count("ok ")) == (0, 3), done.stdout + done.stderr


@pytest.mark.parametrize("port", ["socket://nohost", "socket://:5000", "socket://h:99999", __file__])
def test_impossible_port_is_refused_at_once(port: str) -> None:
    with pytest.raises(ConfigError, match="bow-1: ARCH_STATS_PORT is"):
        plan_device("bow-1", {"ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": port})


def test_only_near_names_are_suggested() -> None:
    with pytest.raises(ConfigError) as caught:
        refuse_unknown({"ARCH_STATS_FOO": "1", "ARCH_STATS_LAEN": "1", "ARCH_STATS_POSTGRES_HOST": "x"})
    far, near, other_prefix = caught.value.parts
    assert "Did you mean" not in far.hint
    assert "Correct or remove it" in far.hint
    assert "Did you mean ARCH_STATS_LANE?" in near.hint
    assert "Did you mean POSTGRES_HOST?" in other_prefix.hint


def test_check_reports_every_fault_with_its_remedy(tmp_path: Path, programs: WarmPrograms) -> None:
    variables = {
        "ARCH_STATS_DRIVER": "bow.link", "ARCH_STATS_PORT": "sokket://x", "ARCH_STATS_NODE": "-1", "ARCH_STATS_LANE": "0",
        "ARCH_STATS_LAEN": "2", "ARCH_STATS_BUAD": "9600", "POSTGRES_PORT": "x", "ARCH_STATS_WS_CHANNEL": "No",
    }  # fmt: skip
    environment = clean_environment(**variables)
    done = programs.run("archstats-sensor", "config", "check", "Bow 1", environment=environment, folder=tmp_path)
    assert done.returncode == 78, done.stderr
    faults = [line for line in done.stdout.splitlines() if line.startswith("fault")]
    assert len(faults) == 8, done.stdout
    for variable, remedy in {
        "POSTGRES_PORT": "1 to 65535", "ARCH_STATS_WS_CHANNEL": "lower-case letters", "'Bow 1'": "for example bow-1",
        "ARCH_STATS_BUAD": "mean ARCH_STATS_BAUD?", "ARCH_STATS_LAEN": "mean ARCH_STATS_LANE?", "'-1'": "Number of the node",
        "'0'": "1 to 999", "'sokket'": "socket://HOST:PORT",
    }.items():  # fmt: skip
        [line] = [line for line in faults if variable in line]
        assert remedy in line
