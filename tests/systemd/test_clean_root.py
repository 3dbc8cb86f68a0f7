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

from edge.installer.hub import OS_USERS
from tests.systemd.conftest import require_lab
from tests.systemd.installed_hub import COMMAND, SENSORS, SERVICES, Hub, set_up_devices
from tests.systemd.lab import Lab, booted
from tests.test_project import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

PACKAGES = "systemd,systemd-sysv,udev,dbus,python3,python3-venv,postgresql,ca-certificates,procps,git"
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
TREE = "/srv/edge"
NEWER_SCHEMA = f"{TREE}/edge/schema/0999_newer.sql"
BACKUP = "/var/backups/archstats/before-upgrade.backup"
LOOKED_AT = "/etc /opt /srv /usr /var/lib"
NOT_OURS = re.compile(
    r"/var/lib/(postgresql|systemd|apt|dpkg|private)\b|__pycache__|/srv/edge/\.venv\b|/etc/(passwd|group|shadow|gshadow)-|/etc/\.pwd\.lock"
)
"""What changes by itself while a Debian runs, and what ``./dev`` keeps for itself in the source tree."""


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


def alike(lines: set[str]) -> set[str]:
    """Whichever environment it is."""
    return {re.sub(r"/opt/archstats-\d+", "/opt/archstats-N", line) for line in lines}


def environments(lab: Lab) -> list[str]:
    return lab.run("ls", "/opt").split()


def names(lab: Lab, kind: str) -> set[str]:
    """Names of the system's users (``passwd``) or groups (``group``)."""
    return {line.split(":")[0] for line in lab.run("getent", kind).splitlines()}


def others(lines: set[str]) -> set[str]:
    """All but what is to stay: the settings and what waits for the database."""
    return {line for line in lines if not line.split(" ", 4)[4].startswith(("/etc/archstats", "/var/lib/archstats"))}


def databases(lab: Lab) -> set[str]:
    return set(lab.run("runuser", "-u", "postgres", "--", "psql", "-XAtqc", "select datname from pg_database").split())


def changes(told: str) -> list[str]:
    """What an installation changed of its files."""
    return [line for line in told.splitlines() if line.startswith(("write", "link", "remove"))]


def install(lab: Lab) -> str:
    """As the manual says."""
    lab.run("bash", "-c", f"cd {TREE} && ./dev exec archstats-sensor --version", timeout_s=900)
    return lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", timeout_s=900)


def fail_to_upgrade(lab: Lab, hub: Hub) -> None:
    """One of the packages is not what the lock says it is: the old version is there, and runs as if nothing had been."""
    old = {unit: hub.pid(unit) for unit in SERVICES}
    lab.run("sed", "-i.sound", f"/uvloop-/s/sha256:[0-9a-f]*/sha256:{'0' * 64}/", f"{TREE}/uv.lock")
    there = environments(lab)
    failed = lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", check=False, timeout_s=900)
    assert "uv failed (this version" in failed
    assert "uvloop" in failed
    assert environments(lab) == there
    assert {unit: hub.pid(unit) for unit in SERVICES} == old
    hub.until_all_is_well()
    lab.run("mv", f"{TREE}/uv.lock.sound", f"{TREE}/uv.lock")


def go_back(lab: Lab, hub: Hub) -> None:
    """To the version before: refused while the database is the newer one's, then as the manual says."""
    running = {unit: hub.pid(unit) for unit in SERVICES}
    lab.run("rm", NEWER_SCHEMA)
    lab.run("sed", "-i", 's/^version = .*/version = "9.9.8"/', f"{TREE}/pyproject.toml")
    lab.run("bash", "-c", f"cd {TREE} && ./dev exec archstats-sensor --version", timeout_s=900)
    assert "0999_newer" in lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", check=False, timeout_s=900)
    assert {unit: hub.pid(unit) for unit in SERVICES} == running
    hub.until_all_is_well()

    as_owner = ("runuser", "-u", "postgres", "--")
    lab.run("systemctl", "stop", "archstats.target")
    lab.run(*as_owner, "psql", "-c", "alter database archstats rename to archstats_newer")
    install(lab)
    lab.run("systemctl", "stop", "archstats.target")
    assert "restored 1 sessions" in lab.run(COMMAND, "db", "restore", BACKUP, "--replace")
    lab.run("systemctl", "start", "archstats.target")
    hub.until_all_is_well()
    assert "9.9.8" in lab.run("/opt/archstats/bin/archstats-sensor", "--version")
    assert int(hub.query("select count(*) from shots")) > 0
    lab.run(*as_owner, "dropdb", "archstats_newer")


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

        # a second time changes no file but the environment for one that is alike
        again = install(lab)
        assert changes(again) == ["link    /opt/archstats -> archstats-2", "remove  /opt/archstats-1"]
        assert alike(snapshot(lab)) == alike(installed)
        hub.until_all_is_well()

        fail_to_upgrade(lab, hub)

        # upgrade
        old = {unit: hub.pid(unit) for unit in SERVICES}
        lab.run("install", "-d", "-o", "postgres", "-m", "700", str(Path(BACKUP).parent))
        lab.run(COMMAND, "db", "backup", BACKUP)
        shots = int(hub.query("select count(*) from shots"))
        lab.run("sed", "-i", 's/^version = .*/version = "9.9.9"/', f"{TREE}/pyproject.toml")
        lab.run("bash", "-c", f"echo '# newer' >> {TREE}/systemd/archstats.target")
        lab.run("bash", "-c", f"echo 'create table newer ();' > {NEWER_SCHEMA}")
        assert changes(install(lab)) == [
            "write   /etc/systemd/system/archstats.target",
            "link    /opt/archstats -> archstats-3",
            "remove  /opt/archstats-2",
        ]
        assert "9.9.9" in lab.run("/opt/archstats/bin/archstats-sensor", "--version")
        hub.until_all_is_well()
        assert all(hub.pid(unit) not in (0, pid) for unit, pid in old.items())
        for unit in SERVICES:
            assert "/opt/archstats-3/bin/" in lab.run("cat", f"/proc/{hub.pid(unit)}/cmdline")
        hub.until(lambda: int(hub.query("select count(*) from shots")) > shots)

        go_back(lab, hub)
        assert environments(lab) == ["archstats", "archstats-4"]
        lab.run("rm", "-r", str(Path(BACKUP).parent))
        shots = int(hub.query("select count(*) from shots"))

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
        hub.until(lambda: int(hub.query("select count(*) from shots")) > shots)
        lab.run(COMMAND, "uninstall", "--purge")
        assert snapshot(lab) == before
        assert names(lab, "passwd") == users
        assert names(lab, "group") - groups == {"gpio"}  # of the system, like dialout: others may use it by now
        assert databases(lab) == before_databases
