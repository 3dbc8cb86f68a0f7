"""The steps that remove the services. Pure: facts in, steps out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.installer.hub import HOME, OS_USERS, SETTINGS, STATE, THIS_MACHINE, UNITS, USERS, Hub
from edge.installer.plan import SERVICES, is_drop_in
from edge.installer.steps import Remove, RemoveEmpty, Run, Step


def uninstall_plan(hub: Hub, root: Path = THIS_MACHINE, *, purge: bool) -> list[Step]:
    """Stop the services, then remove the installed files. Settings, spools, database and users stay unless ``purge`` is set."""
    live = root == THIS_MACHINE
    return [
        *_stop(hub, root),
        *_remove(hub),
        *(_reload(hub) if live else ()),
        *(_purge(hub, live=live) if purge else ()),
        Remove(HOME),
        *(Remove(environment) for environment in hub.environments),  # last: this program runs from one of them
    ]


def remaining_lines(hub: Hub, *, purge: bool) -> list[str]:
    """Lines about the data that stays."""
    if not purge:
        return [
            f"{SETTINGS}, {STATE}, the database {hub.database} and the users {', '.join(OS_USERS)} stay.",
            "'uninstall --purge' removes them too; a new 'install' continues with them.",
        ]
    return [f"The database {hub.database} is on another machine and stays."] if hub.remote_database else []


def _stop(hub: Hub, root: Path) -> Iterator[Step]:
    units = [*(unit for unit in SERVICES if UNITS / unit in hub.present), *hub.instances]
    where = ("--now",) if root == THIS_MACHINE else ("--root", str(root))
    if units:
        yield Run(("systemctl", "disable", "--quiet", *where, *units), "stop and disable them")


def _remove(hub: Hub) -> Iterator[Step]:
    for path in sorted(hub.present):
        yield Remove(path)
    for folder in sorted({path.parent for path in hub.present if is_drop_in(path)}):
        yield RemoveEmpty(folder)
    if USERS in hub.present:
        yield RemoveEmpty(USERS.parent)  # Debian ships no such folder


def _reload(hub: Hub) -> Iterator[Step]:
    yield Run(("systemctl", "daemon-reload"), "unload the units")
    failed = tuple(unit for unit in (*SERVICES, *hub.instances) if "@." not in unit)
    yield Run(("systemctl", "reset-failed", *failed), "clear their failed state", may_fail=True)
    yield Run(("udevadm", "control", "--reload"), "unload the udev rules", may_fail=True)


def _purge(hub: Hub, *, live: bool) -> Iterator[Step]:
    yield Remove(SETTINGS)
    yield Remove(STATE)
    if not live:
        return
    if not hub.remote_database:
        drop = ("runuser", "-u", "postgres", "--")
        yield Run((*drop, "dropdb", "--if-exists", "--force", hub.database), "drop the database with all shots")
        for role in (*OS_USERS, "archstats_replication"):
            yield Run((*drop, "dropuser", "--if-exists", role), "drop a role of the database", may_fail=True)
    for user in OS_USERS:
        yield Run(("userdel", user), "delete a system user", may_fail=True)
