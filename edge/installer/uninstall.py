"""Which steps take the services away again. Pure: facts in, steps out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.installer.hub import HOME, OS_USERS, SETTINGS, STATE, THIS_MACHINE, UNITS, USERS, Hub
from edge.installer.plan import SERVICES, is_drop_in
from edge.installer.steps import Remove, RemoveEmpty, Run, Step


def uninstall_plan(hub: Hub, root: Path = THIS_MACHINE, *, purge: bool) -> list[Step]:
    """Stop, then remove what was put in place. Settings, spools, database and users stay, unless ``purge``."""
    live = root == THIS_MACHINE
    return [
        *_stop(hub, root),
        *_remove(hub),
        *(_forget(hub) if live else ()),
        *(_purge(hub, live=live) if purge else ()),
        Remove(HOME),
        *(Remove(environment) for environment in hub.environments),  # last: this runs from one of them
    ]


def what_stays(hub: Hub, *, purge: bool) -> list[str]:
    """What is left, as lines for people."""
    if not purge:
        return [
            f"{SETTINGS}, {STATE}, the database {hub.database} and the users {', '.join(OS_USERS)} stay.",
            "'uninstall --purge' removes them too; a new 'install' goes on with them.",
        ]
    return [f"The database {hub.database} is on another machine and stays."] if hub.remote_database else []


def _stop(hub: Hub, root: Path) -> Iterator[Step]:
    units = [*(unit for unit in SERVICES if UNITS / unit in hub.present), *hub.instances]
    where = ("--now",) if root == THIS_MACHINE else ("--root", str(root))
    if units:
        yield Run(("systemctl", "disable", "--quiet", *where, *units), "they stop, now and for good")


def _remove(hub: Hub) -> Iterator[Step]:
    for path in sorted(hub.present):
        yield Remove(path)
    for folder in sorted({path.parent for path in hub.present if is_drop_in(path)}):
        yield RemoveEmpty(folder)
    if USERS in hub.present:
        yield RemoveEmpty(USERS.parent)  # Debian has none of its own


def _forget(hub: Hub) -> Iterator[Step]:
    yield Run(("systemctl", "daemon-reload"), "systemd forgets the units")
    failed = tuple(unit for unit in (*SERVICES, *hub.instances) if "@." not in unit)
    yield Run(("systemctl", "reset-failed", *failed), "and that some of them had failed", may_fail=True)
    yield Run(("udevadm", "control", "--reload"), "udev forgets the rules", may_fail=True)


def _purge(hub: Hub, *, live: bool) -> Iterator[Step]:
    yield Remove(SETTINGS)
    yield Remove(STATE)
    if not live:
        return
    if not hub.remote_database:
        drop = ("runuser", "-u", "postgres", "--")
        yield Run((*drop, "dropdb", "--if-exists", "--force", hub.database), "the database with all shots")
        for role in OS_USERS:
            yield Run((*drop, "dropuser", "--if-exists", role), "a role of the database", may_fail=True)
    for user in OS_USERS:
        yield Run(("userdel", user), "a user of the system", may_fail=True)
