"""Inspect the machine: collect the facts that a plan is made from. Changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import edge
from edge.common.config.env_file import read_env_file
from edge.common.config.errors import CommandError, DatabaseUnavailable
from edge.common.config.load import load_push
from edge.common.config.settings import DEVICE_NAME
from edge.common.process.addresses import page_urls
from edge.installer.env_files import settings_to_keep
from edge.installer.hub import (
    ANNOUNCEMENT,
    ANNOUNCEMENTS,
    COMMAND,
    COMMON_SETTINGS,
    HOME,
    SETTINGS,
    THIS_MACHINE,
    UNITS,
    Hub,
    Source,
)
from edge.installer.plan import AVAHI_FILE, SHIPPED_PLACES
from edge.installer.venvs import NAME, number

OLDEST_PYTHON = (3, 11)
PRIVATE = (Path("/home"), Path("/root"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - hidden from the services
"""Folders hidden from the units (``ProtectHome``, ``PrivateTmp``): their Python must not be there."""
SHIPPED = (*SHIPPED_PLACES, "network.conf", AVAHI_FILE)


def inspect_hub(environ: Mapping[str, str], prefix: Path) -> Hub:
    """The hub whose files lie beneath ``prefix``; its ``source`` is left out.

    Raises CommandError when files of this version are missing, ConfigError for a line of an env file that systemd could read
    differently.
    """
    common = prefix / COMMON_SETTINGS.relative_to("/")
    settings = _settings(common) if common.exists() else settings_to_keep(environ)
    return Hub(
        shipped=shipped_files(),
        settings=settings,
        devices=dict(_devices(prefix)),
        present=frozenset(_present(prefix)),
        home=_home(prefix),
        environments=tuple(sorted(_environments(prefix), key=number)),
        has_avahi=(prefix / ANNOUNCEMENTS.relative_to("/")).is_dir(),
        instances=tuple(sorted(set(_instances(prefix)))),
    )


def source_tree() -> Path | None:
    """The source tree that this program runs from; None for an installed program."""
    tree = Path(edge.__file__).resolve().parents[1]
    return tree if (tree / "uv.lock").exists() and (tree / "systemd").is_dir() else None


def shipped_files() -> dict[str, str]:
    """Units, rules and snippets of this version, by name. Raises CommandError when one is missing."""
    tree = source_tree()
    folder = tree / "systemd" if tree else Path(sys.prefix) / "share" / "archstats" / "systemd"
    try:
        return {name: (folder / name).read_text("utf-8") for name in SHIPPED}
    except FileNotFoundError as fault:
        raise CommandError(
            f"the units of this program are missing ({fault.filename})",
            hint="Run install from the source tree: `./dev exec archstats-sensor install`.",
        ) from fault


def source() -> Source | None:
    """The source of the services' environment; None when this program runs in it. Raises CommandError when there is none."""
    if Path(sys.prefix).resolve() == HOME.resolve():
        return None
    tree = source_tree()
    if tree is None:
        raise CommandError(
            f"this program runs from {sys.prefix}, and the services need it in {HOME}",
            hint=f"Run `python3 -m venv {HOME}`, install the same wheel with {HOME}/bin/pip, then run `{HOME}/bin/archstats-sensor install`.",
        )
    ours = tree / ".tools" / "bin" / "uv"
    uv = ours if ours.exists() else shutil.which("uv")
    if uv is None:
        raise CommandError(
            "uv, which creates the services' environment, is not installed",
            hint="Run `./dev exec true` once, which installs uv.",
        )
    return Source(tree, Path(uv), _python())


def _python() -> Path:
    """A Python outside the private folders: the one of this process, else the system's."""
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for candidate in (base, Path("/usr/bin/python3")):
        if any(candidate.is_relative_to(folder) for folder in PRIVATE) or not candidate.exists():
            continue
        asked = subprocess.run(
            [candidate, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and tuple(map(int, asked.stdout.split())) >= OLDEST_PYTHON:
            return candidate
    raise CommandError(
        f"there is no Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer that the services can use; {base} is in a private folder",
        hint="Run `sudo apt-get install python3`.",
    )


def _devices(prefix: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted((prefix / SETTINGS.relative_to("/")).glob("*.env")):
        if path.name != COMMON_SETTINGS.name and DEVICE_NAME.fullmatch(path.stem):
            yield path.stem, _settings(path)


def _settings(path: Path) -> dict[str, str]:
    try:
        return read_env_file(path)
    except OSError as fault:
        hint = "Run it with sudo." if isinstance(fault, PermissionError) else "Replace it by a file."
        raise CommandError(f"{path} cannot be read ({fault.strerror})", hint=hint) from fault


def _present(prefix: Path) -> Iterator[Path]:
    units = prefix / UNITS.relative_to("/")
    additions = [Path("/") / path.relative_to(prefix) for path in units.glob("archstats*.d/*.conf")]
    ours = [path for path in additions if path.name in ("address.conf", "network.conf")]
    for path in (COMMAND, ANNOUNCEMENT, *SHIPPED_PLACES.values(), *ours):
        if (prefix / path.relative_to("/")).exists():
            yield path


def _home(prefix: Path) -> Path | None:
    there = prefix / HOME.relative_to("/")
    if there.is_symlink():
        return HOME.parent / there.readlink()
    return HOME if there.is_dir() else None


def _environments(prefix: Path) -> Iterator[Path]:
    for folder in (prefix / HOME.parent.relative_to("/")).glob(f"{HOME.name}-*"):
        if NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield HOME.with_name(folder.name)


def _instances(prefix: Path) -> Iterator[str]:
    for link in (prefix / UNITS.relative_to("/")).glob("*.wants/archstats-*@*.service"):
        yield link.name
    if prefix != THIS_MACHINE or not is_booted():
        return
    words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "archstats-sensor@*", "archstats-shots@*"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    for line in asked.stdout.splitlines():
        yield line.split()[0]


def is_booted() -> bool:
    """Whether systemd runs this machine, see sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def live_page(hub: Hub, root: Path) -> str:
    """Address of the live page in words; the addresses of a machine that will boot from another root are not known."""
    push = load_push(hub.settings)
    if root != THIS_MACHINE and push.server_host.strip("[]") in ("0.0.0.0", "::"):  # noqa: S104 - nothing is opened
        return f"port {push.server_port} of every address of that machine"
    return " and ".join(page_urls(push.server_host, push.server_port))


def require_root() -> None:
    """Raise CommandError unless this process runs as root."""
    if os.geteuid() != 0:
        raise CommandError(
            "this changes the system and needs root", hint="Run it with sudo, or see the steps with --dry-run."
        )


def require_foundations(hub: Hub) -> None:
    """Check for systemd and PostgreSQL before anything is changed.

    Raises CommandError when one is missing, DatabaseUnavailable when PostgreSQL does not run.
    """
    if not is_booted():
        raise CommandError(
            "this machine was not booted with systemd", hint="Fill a folder for another machine with --prefix DIR."
        )
    if hub.remote_database:
        return
    if shutil.which("psql") is None:
        raise CommandError("PostgreSQL is not installed on this machine", hint="Run `sudo apt-get install postgresql`.")
    if not hub.database_socket.exists():
        raise DatabaseUnavailable(
            f"PostgreSQL does not run on this machine: {hub.database_socket} does not exist",
            hint=f"Run `sudo systemctl start postgresql`. If it uses another port, set POSTGRES_PORT in {COMMON_SETTINGS}.",
        )
