"""Install, run, upgrade and uninstall on a Debian that has never seen this project: what is left is exactly what should be."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edge.cli.installation.hub import OS_USERS
from tests.systemd.conftest import require_lab
from tests.systemd.hub import COMMAND, SENSORS, Hub, set_up_devices
from tests.systemd.lab import Lab, booted
from tests.test_project import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

PACKAGES = "systemd,systemd-sysv,udev,dbus,python3,python3-venv,postgresql,ca-certificates,procps,git"
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
TREE = "/srv/edge"
LOOKED_AT = "/etc /opt /srv /usr /var/lib"
NOT_OURS = re.compile(
    r"/var/lib/(postgresql|systemd|apt|dpkg|private)\b|__pycache__|/etc/(passwd|group|shadow|gshadow)-|/etc/\.pwd\.lock"
)
"""What changes by itself while a Debian runs."""


@pytest.fixture(scope="module")
def clean_root() -> Iterator[Path]:
    """A Debian as its installer leaves it, with the packages that the manual asks for, and the source tree."""
    require_lab()
    if shutil.which("mmdebstrap") is None:
        lack = "needs the package mmdebstrap to make a clean Debian"
        pytest.fail(lack) if os.environ.get("CI") == "true" else pytest.skip(lack)
    folder = Path(tempfile.mkdtemp(prefix="debian-", dir="/tmp"))
    try:
        codename = re.search(r"VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text())
        assert codename is not None
        sources = next(path for path in SOURCES if path.exists())
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", codename[1], str(folder), str(sources)],
            check=True, capture_output=True, timeout=900,
        )  # fmt: skip
        # What this machine trusts and asks for names, a new one of its site would too.
        for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
            (folder / name).unlink(missing_ok=True)
            shutil.copyfile(Path("/") / name, folder / name)
        for settings in folder.glob("etc/postgresql/*/main/conf.d"):
            # TCP ports are shared with this machine, whose PostgreSQL may have the usual one.
            (settings / "lab.conf").write_text("listen_addresses = ''\nport = 5432\n")
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        tree = folder / TREE.lstrip("/")
        tree.mkdir()
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def snapshot(lab: Lab) -> set[str]:
    """Every file with its kind, rights and owner, but those that change by themselves."""
    said = lab.run("bash", "-c", f"find {LOOKED_AT} -xdev -printf '%y %m %u %g %p\\n' 2>/dev/null", check=False)
    return {line for line in said.splitlines() if not NOT_OURS.search(line)}


def names(lab: Lab, kind: str) -> set[str]:
    """Names of the system's users (``passwd``) or groups (``group``)."""
    return {line.split(":")[0] for line in lab.run("getent", kind).splitlines()}


def others(lines: set[str]) -> set[str]:
    """All but what is to stay: the settings and what waits for the database."""
    return {line for line in lines if not line.split(" ", 4)[4].startswith(("/etc/archstats", "/var/lib/archstats"))}


def databases(lab: Lab) -> set[str]:
    return set(lab.run("runuser", "-u", "postgres", "--", "psql", "-XAtqc", "select datname from pg_database").split())


def install(lab: Lab) -> str:
    """As the manual says."""
    lab.run("bash", "-c", f"cd {TREE} && ./dev exec archstats-sensor --version", timeout_s=900)
    return lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", timeout_s=900)


def test_install_run_upgrade_and_uninstall_leave_what_they_should(clean_root: Path) -> None:
    with booted(lower=clean_root) as lab:
        lab.run("systemctl", "start", "postgresql")
        lab.run("bash", "-c", f"cd {TREE} && ./dev exec archstats-sensor --version", timeout_s=900)
        before, users, groups, before_databases = (
            snapshot(lab),
            names(lab, "passwd"),
            names(lab, "group"),
            databases(lab),
        )
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        lab.run("mkdir", "/etc/archstats")
        lab.run("bash", "-c", f"echo ARCH_STATS_SERVER_PORT={port} > /etc/archstats/archstats.env")

        # install and run
        install(lab)
        hub = Hub(lab, port)
        set_up_devices(hub)
        hub.until_all_is_well()
        lab.run(COMMAND, "session", "open", "--lane", "1", "--distance", "18", "--face", "wa_40", "--indoor")
        hub.until(lambda: int(hub.query("select count(*) from shots")) > 0)
        assert httpx.get(f"{hub.url}/healthz", timeout=30).json()["status"] == "ok"
        installed = snapshot(lab)

        # a second time changes no file
        again = install(lab)
        assert [line for line in again.splitlines() if line.startswith(("write", "remove"))] == []
        assert snapshot(lab) == installed
        hub.until_all_is_well()

        # upgrade
        old = {unit: hub.pid(unit) for unit in SENSORS}
        shots = int(hub.query("select count(*) from shots"))
        lab.run("sed", "-i", 's/^version = .*/version = "9.9.9"/', f"{TREE}/pyproject.toml")
        lab.run("bash", "-c", f"echo '# newer' >> {TREE}/systemd/archstats.target")
        upgraded = install(lab)
        assert [line for line in upgraded.splitlines() if line.startswith("write")] == [
            "write   /etc/systemd/system/archstats.target"
        ]
        assert "9.9.9" in lab.run("/opt/archstats/bin/archstats-sensor", "--version")
        hub.until_all_is_well()
        assert all(hub.pid(unit) not in (0, pid) for unit, pid in old.items())
        hub.until(lambda: int(hub.query("select count(*) from shots")) > shots)

        # uninstall: settings, state, database and users stay, nothing else
        lab.run(COMMAND, "uninstall")
        assert others(snapshot(lab) ^ before) == set()
        assert names(lab, "passwd") - users == set(OS_USERS)
        assert "archstats" in databases(lab)
        assert lab.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "archstats*").strip() == ""

        # back again with everything that was there, then for good
        install(lab)
        lab.run("systemctl", "enable", "--now", *SENSORS)
        hub.until_all_is_well()
        assert int(hub.query("select count(*) from shots")) > shots
        lab.run(COMMAND, "uninstall", "--purge")
        assert snapshot(lab) == before
        assert names(lab, "passwd") == users
        assert names(lab, "group") - groups == {"gpio"}  # of the system, like dialout: others may use it by now
        assert databases(lab) == before_databases
