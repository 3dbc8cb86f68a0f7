"""Install, run, upgrade and uninstall on a clean Debian leave exactly the documented files."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edge.installer.hub import OS_USERS
from tests.postgres import disk_folder
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
"""Files that change while a Debian runs, and those that ``./dev`` keeps in the source tree."""


@pytest.fixture(scope="module")
def clean_root() -> Iterator[Path]:
    """A fresh Debian with the packages that the manual names, and the source tree."""
    require_lab()
    if shutil.which("mmdebstrap") is None:
        lack = "needs the package mmdebstrap to make a clean Debian"
        pytest.fail(lack) if os.environ.get("CI") == "true" else pytest.skip(lack)
    folder = disk_folder("debian-")
    try:
        codename = re.search(r"VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text())
        assert codename is not None
        sources = next(path for path in SOURCES if path.exists())
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", codename[1], str(folder), str(sources)],
            check=True, capture_output=True, timeout=900,
        )  # fmt: skip
        # Certificates and name servers of this machine, as a new machine of its site would have.
        for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
            (folder / name).unlink(missing_ok=True)
            shutil.copyfile(Path("/") / name, folder / name)
        for settings in folder.glob("etc/postgresql/*/main/conf.d"):
            # TCP ports are shared with this machine, whose PostgreSQL may use 5432.
            (settings / "lab.conf").write_text("listen_addresses = ''\nport = 5432\n")
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        tree = folder / TREE.lstrip("/")
        tree.mkdir()
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def snapshot(lab: Lab) -> set[str]:
    """Every file with its kind, rights and owner, except those that change by themselves."""
    listed = lab.run("bash", "-c", f"find {LOOKED_AT} -xdev -printf '%y %m %u %g %p\\n' 2>/dev/null", check=False)
    return {line for line in listed.splitlines() if not NOT_OURS.search(line)}


def without_numbers(lines: set[str]) -> set[str]:
    """The lines without the number of the environment."""
    return {re.sub(r"/opt/archstats-\d+", "/opt/archstats-N", line) for line in lines}


def environments(lab: Lab) -> list[str]:
    return lab.run("ls", "/opt").split()


def names(lab: Lab, kind: str) -> set[str]:
    """Names of the system's users (``passwd``) or groups (``group``)."""
    return {line.split(":")[0] for line in lab.run("getent", kind).splitlines()}


def others(lines: set[str]) -> set[str]:
    """All lines except those of settings and spools, which stay."""
    return {line for line in lines if not line.split(" ", 4)[4].startswith(("/etc/archstats", "/var/lib/archstats"))}


def databases(lab: Lab) -> set[str]:
    return set(lab.run("runuser", "-u", "postgres", "--", "psql", "-XAtqc", "select datname from pg_database").split())


def changes(output: str) -> list[str]:
    """The file changes of an installation."""
    return [line for line in output.splitlines() if line.startswith(("write", "link", "remove"))]


def install(lab: Lab) -> str:
    """Install as the manual describes."""
    lab.run("bash", "-c", f"cd {TREE} && ./dev exec archstats-sensor --version", timeout_s=900)
    return lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", timeout_s=900)


def fail_to_upgrade(lab: Lab, hub: Hub) -> None:
    """A package does not match its hash in the lock file: the old version stays and keeps running."""
    old = {unit: hub.pid(unit) for unit in SERVICES}
    lab.run("sed", "-i.sound", f"/uvloop-/s/sha256:[0-9a-f]*/sha256:{'0' * 64}/", f"{TREE}/uv.lock")
    there = environments(lab)
    failed = lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", check=False, timeout_s=900)
    assert "uv failed (install this version" in failed
    assert "uvloop" in failed
    assert environments(lab) == there
    assert {unit: hub.pid(unit) for unit in SERVICES} == old
    hub.until_healthy()
    lab.run("mv", f"{TREE}/uv.lock.sound", f"{TREE}/uv.lock")


def go_back(lab: Lab, hub: Hub) -> None:
    """Go back one version: refused while the database is newer, then as the manual describes."""
    running = {unit: hub.pid(unit) for unit in SERVICES}
    lab.run("rm", NEWER_SCHEMA)
    lab.run("sed", "-i", 's/^version = .*/version = "9.9.8"/', f"{TREE}/pyproject.toml")
    lab.run("bash", "-c", f"cd {TREE} && ./dev exec archstats-sensor --version", timeout_s=900)
    assert "0999_newer" in lab.run(f"{TREE}/.venv/bin/archstats-sensor", "install", check=False, timeout_s=900)
    assert {unit: hub.pid(unit) for unit in SERVICES} == running
    hub.until_healthy()

    as_owner = ("runuser", "-u", "postgres", "--")
    lab.run("systemctl", "stop", "archstats.target")
    lab.run(*as_owner, "psql", "-c", "alter database archstats rename to archstats_newer")
    install(lab)
    lab.run("systemctl", "stop", "archstats.target")
    assert "restored 1 sessions" in lab.run(COMMAND, "db", "restore", BACKUP, "--replace")
    lab.run("systemctl", "start", "archstats.target")
    hub.until_healthy()
    assert "9.9.8" in lab.run("/opt/archstats/bin/archstats-sensor", "--version")
    assert int(hub.query("select count(*) from shots")) > 0
    lab.run(*as_owner, "dropdb", "archstats_newer")


def test_install_upgrade_uninstall_leave_no_other_files(clean_root: Path) -> None:
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
        hub.until_healthy()
        lab.run(COMMAND, "session", "open", "--lane", "1", "--distance", "18", "--face", "wa_40", "--indoor")
        hub.until(lambda: int(hub.query("select count(*) from shots")) > 0)
        assert httpx.get(f"{hub.url}/healthz", timeout=30).json()["status"] == "ok"
        installed = snapshot(lab)

        # a second installation changes nothing but the number of the environment
        again = install(lab)
        assert changes(again) == ["link    /opt/archstats -> archstats-2", "remove  /opt/archstats-1"]
        assert without_numbers(snapshot(lab)) == without_numbers(installed)
        hub.until_healthy()

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
        hub.until_healthy()
        assert all(hub.pid(unit) not in (0, pid) for unit, pid in old.items())
        for unit in SERVICES:
            assert "/opt/archstats-3/bin/" in lab.run("cat", f"/proc/{hub.pid(unit)}/cmdline")
        hub.until(lambda: int(hub.query("select count(*) from shots")) > shots)

        go_back(lab, hub)
        assert environments(lab) == ["archstats", "archstats-4"]
        lab.run("rm", "-r", str(Path(BACKUP).parent))
        shots = int(hub.query("select count(*) from shots"))

        # uninstall: only settings, state, database and users stay
        lab.run(COMMAND, "uninstall")
        assert others(snapshot(lab) ^ before) == set()
        assert names(lab, "passwd") - users == set(OS_USERS)
        assert "archstats" in databases(lab)
        assert lab.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "archstats*").strip() == ""

        # install again with the old data, then purge
        install(lab)
        lab.run("systemctl", "enable", "--now", *SENSORS)
        hub.until_healthy()
        hub.until(lambda: int(hub.query("select count(*) from shots")) > shots)
        lab.run(COMMAND, "uninstall", "--purge")
        assert snapshot(lab) == before
        assert names(lab, "passwd") == users
        assert names(lab, "group") - groups == {"gpio"}  # a system group like dialout, which others may use by now
        assert databases(lab) == before_databases
