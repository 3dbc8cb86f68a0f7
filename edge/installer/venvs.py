"""Which steps bring a new environment for the services: whole, beside the one they run in, and changed for it by one rename.

``/opt/archstats`` is a link to one of ``/opt/archstats-1``, ``-2`` and so on. A running process has the files it was started
from until it ends, and what fails half-way has changed nothing. Pure: facts in, steps out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edge.installer.hub import HOME, THIS_MACHINE, Hub, Source
from edge.installer.steps import Link, Remove, Run, Step

NAME = re.compile(rf"{HOME.name}-(\d+)")


def number(environment: Path) -> int:
    """Of an environment: a newer one has a higher one. 0 for what is none of ours."""
    found = NAME.fullmatch(environment.name)
    return int(found[1]) if found else 0


def in_force(hub: Hub) -> Path:
    """The environment that the services are in when the plan is done."""
    if hub.source is None:
        return hub.home or HOME
    return HOME.with_name(f"{HOME.name}-{(number(hub.home) if hub.home else 0) + 1}")


def build(hub: Hub, root: Path) -> Iterator[Step]:
    """Make the new environment. What an installation that was cut off left of one goes first: it may fill the disk."""
    if hub.source is None:
        return
    before = number(hub.home) if hub.home and hub.home != HOME else -1
    for left in hub.environments:
        if number(left) > before:
            yield Remove(left)
    fresh = in_force(hub)
    place = str(root / fresh.relative_to("/"))
    environment = _for_uv(hub.source, place)
    uv, python, tree = str(hub.source.uv), str(hub.source.python), str(hub.source.tree)
    if root != THIS_MACHINE:
        empty = (uv, "venv", "--quiet", "--clear", "--relocatable", "--python", python, place)
        yield Run(empty, "an environment that may be moved", environment, makes=fresh)
    locked = ("--frozen", "--no-dev", "--no-editable", "--compile-bytecode", "--quiet")
    # The version need not have changed where the source did.
    whole = (uv, "sync", "--project", tree, *locked, "--reinstall-package", "archstats-edge")
    yield Run(whole, f"this version and the locked packages into {place}", environment, makes=fresh)


def change_over(hub: Hub, root: Path) -> Iterator[Step]:
    """Whatever starts from now on is of the new environment."""
    if hub.source is None:
        return
    fresh = in_force(hub)
    yield Run(("sync", "--file-system", str(root / fresh.relative_to("/"))), "the disk has all of it")
    if hub.home == HOME:  # a folder, as another way of installing makes it
        yield Run(
            ("mv", str(root / HOME.relative_to("/")), str(root / _aside().relative_to("/"))), "the old one, aside"
        )
    yield Link(HOME, fresh.name)


def clear(hub: Hub) -> Iterator[Step]:
    """The old environments, once nothing runs in them any more."""
    there = {*hub.environments, *([_aside()] if hub.source and hub.home == HOME else [])}
    for old in sorted(there, key=number):
        if number(old) < number(in_force(hub)):
            yield Remove(old)


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
