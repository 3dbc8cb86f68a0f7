"""The steps that install a new environment for the services beside the active one, and switch to it by one rename.

``/opt/archstats`` is a link to one of ``/opt/archstats-1``, ``-2`` and so on. A running process keeps the files it was
started from until it ends, and a failure half-way changes nothing. Pure: facts in, steps out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edge.installer.hub import HOME, THIS_MACHINE, Hub, Source
from edge.installer.steps import Link, Remove, Run, Step

NAME = re.compile(rf"{HOME.name}-(\d+)")


def number(environment: Path) -> int:
    """The number of an environment; newer ones are higher. 0 for any other folder."""
    found = NAME.fullmatch(environment.name)
    return int(found[1]) if found else 0


def active_venv(hub: Hub) -> Path:
    """The environment that is active after the plan."""
    if hub.source is None:
        return hub.home or HOME
    return HOME.with_name(f"{HOME.name}-{(number(hub.home) if hub.home else 0) + 1}")


def build(hub: Hub, root: Path) -> Iterator[Step]:
    """Build the new environment, after removing what an interrupted installation left: it may fill the disk."""
    if hub.source is None:
        if root == THIS_MACHINE:
            yield _readable(active_venv(hub), root)
        return
    before = number(hub.home) if hub.home and hub.home != HOME else -1
    for left in hub.environments:
        if number(left) > before:
            yield Remove(left)
    fresh = active_venv(hub)
    place = str(root / fresh.relative_to("/"))
    environment = _for_uv(hub.source, place)
    uv, python, tree = str(hub.source.uv), str(hub.source.python), str(hub.source.tree)
    if root != THIS_MACHINE:
        empty = (uv, "venv", "--quiet", "--clear", "--relocatable", "--python", python, place)
        yield Run(empty, "create a relocatable environment", environment, makes=fresh)
    locked = ("--frozen", "--no-dev", "--extra", "gpio", "--no-editable", "--compile-bytecode", "--quiet")
    # The source may have changed without the version.
    whole = (uv, "sync", "--project", tree, *locked, "--reinstall-package", "archstats-edge")
    yield Run(whole, f"install this version and the locked packages into {place}", environment, makes=fresh)
    yield _readable(fresh, root)


def switch_over(hub: Hub, root: Path) -> Iterator[Step]:
    """Make every process that starts from now on use the new environment."""
    if hub.source is None:
        return
    fresh = active_venv(hub)
    yield Run(("sync", "--file-system", str(root / fresh.relative_to("/"))), "flush it to the disk")
    if hub.home == HOME:  # a folder, as other ways of installing create it
        yield Run(
            ("mv", str(root / HOME.relative_to("/")), str(root / _aside().relative_to("/"))), "move the old one aside"
        )
    yield Link(HOME, fresh.name)


def remove_old(hub: Hub) -> Iterator[Step]:
    """Remove the old environments, which no process uses any more."""
    there = {*hub.environments, *([_aside()] if hub.source and hub.home == HOME else [])}
    for old in sorted(there, key=number):
        if number(old) < number(active_venv(hub)):
            yield Remove(old)


def _readable(environment: Path, root: Path) -> Run:
    """Let every user read the environment: uv copies modes from its cache and the source tree, and pip obeys the umask."""
    place = str(root / environment.relative_to("/"))
    return Run(("chmod", "-R", "u=rwX,go=rX", place), "make it readable for every service")


def _aside() -> Path:
    return HOME.with_name(f"{HOME.name}-0")


def _for_uv(source: Source, place: str) -> dict[str, str]:
    return {
        "UV_PROJECT_ENVIRONMENT": place,
        "UV_PYTHON": str(source.python),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
        "UV_LINK_MODE": "copy",
    }
