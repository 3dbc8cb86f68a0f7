"""The unit files: valid, hardened, and equal where they must be."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.installer.hub import OS_USERS
from edge.installer.inspect import SHIPPED
from edge.push.http.admission import MAX_CONNECTIONS, MAX_STREAMS, OWN_DESCRIPTORS
from edge.push.http.server import BACKLOG
from tests.test_project import ROOT

UNITS = ROOT / "systemd"
SERVICES = ("archstats-sensor@.service", "archstats-shots.service", "archstats-push.service")
EXPOSURE = {"archstats-sensor@.service": 0.4, "archstats-shots.service": 0.2, "archstats-push.service": 0.2}


def require(program: str) -> None:
    """Skip when a tool is missing; fail in CI."""
    if shutil.which(program) is None:
        lack = f"{program} is missing: install systemd"
        pytest.fail(lack) if os.environ.get("CI") == "true" else pytest.skip(lack)


def directives(name: str) -> dict[str, list[str]]:
    """Every assignment of a unit, in order, including empty ones."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_units_verify_clean(tmp_path: Path) -> None:
    require("systemd-analyze")
    files = [path for path in UNITS.iterdir() if path.suffix in (".service", ".socket", ".target")]
    assert len(files) == 6
    for path in files:  # their programs need not be installed on this machine
        (tmp_path / path.name).write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", path.read_text()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in files)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_not_exposed(name: str) -> None:
    require("systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / name)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None
    assert float(level[1]) <= EXPOSURE[name]


def test_udev_rules_verify_clean() -> None:
    """Older systemd has no ``udevadm verify``; there only the hot-plug test covers the rules."""
    require("udevadm")
    asked = subprocess.run(["udevadm", "verify", "--help"], capture_output=True, check=False, timeout=30)
    if asked.returncode != 0:
        pytest.skip("this udevadm has no verify command, which systemd 254 added")
    done = subprocess.run(
        ["udevadm", "verify", str(UNITS / "60-archstats.rules")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_service_restarts_and_is_watched(name: str) -> None:
    values = directives(name)
    assert values["Type"] == ["notify"]
    assert values["Restart"] == ["always"]
    assert values["RestartSec"] == ["2s"]
    assert values["StartLimitIntervalSec"] == ["0"]
    assert values["RestartPreventExitStatus"] == ["78"]
    assert values["WatchdogSec"] == ["10s"]
    assert values["WantedBy"] == values["PartOf"] == ["archstats.target"]
    assert "BindsTo" not in values  # the spool must drain while a cable is out
    assert values["User"][0] in OS_USERS
    assert f"POSTGRES_USER={values['User'][0]}" in values["Environment"][0]
    assert values["PrivateNetwork"] == ["yes"]


def test_services_share_their_hardening() -> None:
    """All three are hardened alike: a line added to one is added to all."""
    own = {
            "AssertPathExists",
        "Description", "Documentation", "Environment", "EnvironmentFile", "ExecStart", "User", "After", "Requires",
        "SupplementaryGroups", "StateDirectory", "StateDirectoryMode", "PrivateDevices", "DeviceAllow", "LimitNOFILE",
        "LoadCredential", "SetCredential",
    }  # fmt: skip
    shared = [{k: v for k, v in directives(name).items() if k not in own} for name in SERVICES]
    assert shared[0] == shared[1] == shared[2]


def test_every_stream_fits_under_the_units_limits() -> None:
    [descriptors] = directives("archstats-push.service")["LimitNOFILE"]
    assert int(descriptors) >= MAX_CONNECTIONS + OWN_DESCRIPTORS
    assert MAX_CONNECTIONS >= 2 * MAX_STREAMS
    assert directives("archstats-push.socket")["Backlog"] == [str(BACKLOG)]


def test_serial_ports_are_allowed_by_number() -> None:
    """A name is resolved when the service starts, and ignored while the driver is not loaded."""
    allowed = directives("archstats-sensor@.service")["DeviceAllow"]
    assert {"char-188 rw", "char-166 rw", "char-204 rw"} <= set(allowed)
    assert not any("tty" in rule for rule in allowed)


def test_users_and_groups_of_units_are_created() -> None:
    created = {
        line.split()[1] for line in (UNITS / "sysusers.d/archstats.conf").read_text().splitlines() if line[0] in "ug"
    }
    assert created >= set(OS_USERS)
    for name in SERVICES:
        values = directives(name)
        assert {*values["User"], *" ".join(values.get("SupplementaryGroups", [])).split()} <= created


def test_wheel_contains_all_shipped_files() -> None:
    here = {str(path.relative_to(UNITS)) for path in UNITS.rglob("*") if path.is_file()}
    assert here == set(SHIPPED)
    shared = (ROOT / "pyproject.toml").read_text()
    assert 'systemd = "share/archstats/systemd"' in shared
    assert 'docs = "share/archstats/docs"' in shared  # all pages, because they link to each other


@pytest.mark.parametrize("name", [*SERVICES, "archstats.target"])
def test_documentation_page_of_a_unit_exists(name: str) -> None:
    [page] = directives(name)["Documentation"]
    assert (ROOT / page.removeprefix("file:/opt/archstats/share/archstats/")).is_file()


def test_network_drop_in_is_valid() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNITS / "network.conf")
    assert parser.sections() == ["Service"]
    assert parser["Service"]["PrivateNetwork"] == "no"
