"""Look at the machine: the facts that a plan is made from. Nothing is changed here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import edge
from edge.common.config.env_file import parse_env
from edge.common.config.errors import CommandError, DatabaseUnavailable
from edge.common.config.settings import DEVICE_NAME
from edge.installer.env_files import given
from edge.installer.hub import COMMAND, COMMON_SETTINGS, HOME, SETTINGS, THIS_MACHINE, UNITS, Hub, Source
from edge.installer.plan import SHIPPED_PLACES
from edge.installer.venvs import NAME, number

OLDEST_PYTHON = (3, 11)
PRIVATE = (Path("/home"), Path("/root"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - where the services cannot look
"""Folders that the units do not see (``ProtectHome``, ``PrivateTmp``): no Python of theirs may lie there."""
SHIPPED = (*SHIPPED_PLACES, "network.conf")


def look(environ: Mapping[str, str], prefix: Path) -> Hub:
    """The hub whose files lie beneath ``prefix``; its ``source`` is left out. Raises Refused when parts of ours are missing."""
    common = prefix / COMMON_SETTINGS.relative_to("/")
    settings = parse_env(_text(common)).values if common.exists() else given(environ)
    return Hub(
        shipped=shipped_files(),
        settings=settings,
        devices=dict(_devices(prefix)),
        present=frozenset(_present(prefix)),
        home=_home(prefix),
        environments=tuple(sorted(_environments(prefix), key=number)),
        instances=tuple(sorted(set(_instances(prefix)))),
    )


def source_tree() -> Path | None:
    """The source tree this runs from, None when it is an installed program."""
    tree = Path(edge.__file__).resolve().parents[1]
    return tree if (tree / "uv.lock").exists() and (tree / "systemd").is_dir() else None


def shipped_files() -> dict[str, str]:
    """Units, rules and snippets that belong to this version, by their names."""
    tree = source_tree()
    folder = tree / "systemd" if tree else Path(sys.prefix) / "share" / "archstats" / "systemd"
    try:
        return {name: (folder / name).read_text() for name in SHIPPED}
    except FileNotFoundError as fault:
        raise CommandError(
            f"this program came without its units ({fault.filename} is missing)",
            hint="Run install from the source tree: ./dev exec archstats-sensor install",
        ) from fault


def source() -> Source | None:
    """What the services' environment is made from; None when this runs in it. Raises Refused when it cannot be made."""
    if Path(sys.prefix).resolve() == HOME.resolve():
        return None
    tree = source_tree()
    if tree is None:
        raise CommandError(
            f"this program runs from {sys.prefix}, and the services need it in {HOME}",
            hint=f"Run: python3 -m venv {HOME}, then {HOME}/bin/pip install the same wheel, then {HOME}/bin/archstats-sensor install",
        )
    ours = tree / ".tools" / "bin" / "uv"
    uv = ours if ours.exists() else shutil.which("uv")
    if uv is None:
        raise CommandError(
            "uv is missing, which makes the services' environment", hint="Run it once by ./dev, which brings uv"
        )
    return Source(tree, Path(uv), _python())


def _python() -> Path:
    """A Python that the services can see: the one this runs on, else the system's."""
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
        f"the services see no Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer; {base} lies in a private folder",
        hint="Run: sudo apt-get install python3",
    )


def _devices(prefix: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted((prefix / SETTINGS.relative_to("/")).glob("*.env")):
        if path.name != COMMON_SETTINGS.name and DEVICE_NAME.fullmatch(path.stem):
            yield path.stem, parse_env(_text(path)).values


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except PermissionError as fault:
        raise CommandError(f"{path} cannot be read ({fault.strerror})", hint="Run it with sudo") from fault


def _present(prefix: Path) -> Iterator[Path]:
    units = prefix / UNITS.relative_to("/")
    additions = [Path("/") / path.relative_to(prefix) for path in units.glob("archstats*.d/*.conf")]
    ours = [path for path in additions if path.name in ("address.conf", "network.conf")]
    for path in (COMMAND, *SHIPPED_PLACES.values(), *ours):
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
    for link in (prefix / UNITS.relative_to("/")).glob("*.wants/archstats-sensor@*.service"):
        yield link.name
    if prefix != THIS_MACHINE or not is_booted():
        return
    words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "archstats-sensor@*"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    for line in asked.stdout.splitlines():
        yield line.split()[0]


def is_booted() -> bool:
    """Whether systemd runs this machine, see sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def require_root() -> None:
    """Raise Refused unless this is root."""
    if os.geteuid() != 0:
        raise CommandError(
            "that changes the system, and this is not root", hint="Run it with sudo, or look at it with --dry-run"
        )


def require_foundations(hub: Hub) -> None:
    """Raise Refused, before anything is changed, when this machine lacks what the services stand on, Unavailable when it is down."""
    if not is_booted():
        raise CommandError(
            "systemd does not run this machine", hint="Fill a folder for another machine with --prefix DIR"
        )
    if hub.remote_database:
        return
    if shutil.which("psql") is None:
        raise CommandError("PostgreSQL is not installed here", hint="Run: sudo apt-get install postgresql")
    if not hub.database_socket.exists():
        raise DatabaseUnavailable(
            f"PostgreSQL does not run here: there is no {hub.database_socket}",
            hint=f"Run: sudo systemctl start postgresql. Has it another port? Set POSTGRES_PORT in {COMMON_SETTINGS}",
        )
