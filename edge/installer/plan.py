"""Which steps put the services in place. Pure: facts in, steps out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.installer.env_files import common_text, listen_stream, needs_network
from edge.installer.hub import (
    COMMAND,
    COMMON_SETTINGS,
    FOLDERS,
    PUSH,
    RULES,
    SENSOR,
    SHOTS,
    SOCKET,
    SOCKET_DIR,
    TARGET,
    THIS_MACHINE,
    UNITS,
    USERS,
    Hub,
)
from edge.installer.steps import Remove, RemoveEmpty, Run, Step, Write
from edge.installer.venvs import build, change_over, clear, in_force

UNIT_FILES = (TARGET, SENSOR, SHOTS, PUSH, SOCKET)
SHIPPED_PLACES: dict[str, Path] = {
    **{name: UNITS / name for name in UNIT_FILES},
    "60-archstats.rules": RULES,
    "sysusers.d/archstats.conf": USERS,
    "tmpfiles.d/archstats.conf": FOLDERS,
}
"""Where each shipped file goes; ``network.conf`` goes where it is needed."""
GROUND = ("sysusers.d/archstats.conf", "tmpfiles.d/archstats.conf")
"""Of these, what the database's owner and the services stand on."""
SERVICES = (SHOTS, PUSH, SOCKET, TARGET)
DEFAULT_ADDRESS = "127.0.0.1:8000"
COMMAND_TEXT = r"""#!/bin/sh
# Written by archstats-sensor install: the technician's command, with the settings and the rights it needs.
program=/opt/archstats/bin/archstats-sensor
folder=/etc/archstats
case "$1" in install | uninstall) exec "$program" "$@" ;; esac

# Nearly as systemd reads these files: one assignment a line, and nothing in a value has a meaning.
settings() {
    [ -r "$1" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%%=*} value=${line#*=}
        case $line in [A-Za-z_]*=*) ;; *) continue ;; esac
        case $name in *[!A-Za-z0-9_]*) continue ;; esac
        case $value in \"*\" | \'*\') value=${value#?} value=${value%?} ;; esac
        export "$name=$value"
    done <"$1"
}

user=archstats_operator
export POSTGRES_SOCKET_DIR=/run/postgresql POSTGRES_USER=$user
settings "$folder/archstats.env"
if [ "$1" = db ] && [ -z "$POSTGRES_HOST" ]; then
    user=postgres POSTGRES_USER=postgres
fi
if [ "$1" = config ]; then
    for word in "$@"; do settings "$folder/$word.env"; done
fi
[ "$(id -un)" = "$user" ] && exec "$program" "$@"
[ "$(id -u)" = 0 ] && exec runuser -u "$user" -- "$program" "$@"
exec sudo -- "$0" "$@"
"""


def install_plan(hub: Hub, root: Path = THIS_MACHINE) -> list[Step]:
    """Everything, in order: what may fail comes before anything that the running services notice.

    Another ``root`` is filled for a machine that will start from it: users and folders are made when it does. Raises
    ConfigError when the settings cannot be served by systemd.
    """
    live = root == THIS_MACHINE
    return [
        *build(hub, root),
        *_ground(hub),
        *(_users_and_database(hub) if live else ()),
        *_files(hub),
        *_drop_ins(hub),
        *change_over(hub, root),
        *(_start() if live else _enable_elsewhere(root)),
        *clear(hub),
    ]


def _ground(hub: Hub) -> Iterator[Step]:
    for name in GROUND:
        yield Write(SHIPPED_PLACES[name], hub.shipped[name])
    secret = "POSTGRES_PASSWORD" in hub.settings
    yield Write(COMMON_SETTINGS, common_text(hub.settings), 0o600 if secret else 0o644, once=True)


def _users_and_database(hub: Hub) -> Iterator[Step]:
    yield Run(("systemd-sysusers", str(USERS)), "one user for each kind of service")
    yield Run(("systemd-tmpfiles", "--create", str(FOLDERS)), "folders for settings and state")
    if not hub.remote_database:
        owner = {
            "POSTGRES_SOCKET_DIR": str(SOCKET_DIR),
            **{name: value for name, value in hub.settings.items() if name.startswith(("POSTGRES_", "ARCH_STATS_WS"))},
            "POSTGRES_USER": "postgres",
        }
        words = ("runuser", "-u", "postgres", "--", f"{in_force(hub)}/bin/archstats-sensor", "db", "init")
        yield Run(words, f"database {hub.database}, its tables and roles", owner)


def _files(hub: Hub) -> Iterator[Step]:
    for name, path in SHIPPED_PLACES.items():
        if name not in GROUND:
            yield Write(path, hub.shipped[name])
    yield Write(COMMAND, COMMAND_TEXT, 0o755)


def _drop_ins(hub: Hub) -> Iterator[Step]:
    """What the units must know of the settings. A drop-in of an earlier installation that is not needed any more goes."""
    address = listen_stream(hub.settings)
    wanted: dict[Path, str] = {}
    if address != DEFAULT_ADDRESS:
        wanted[address_file()] = f"[Socket]\nListenStream=\nListenStream={address}\n"
    for unit in (SENSOR, SHOTS, PUSH):
        if needs_network(hub.settings):
            wanted[network_file(unit)] = hub.shipped["network.conf"]
    for device, settings in hub.devices.items():
        if needs_network(settings) and not needs_network(hub.settings):
            wanted[network_file(f"archstats-sensor@{device}.service")] = hub.shipped["network.conf"]
    for path in sorted(hub.present - wanted.keys()):
        if is_drop_in(path):
            yield Remove(path)
            yield RemoveEmpty(path.parent)
    for path, text in wanted.items():
        yield Write(path, text)


def _start() -> Iterator[Step]:
    yield Run(("systemctl", "daemon-reload"), "systemd reads the units")
    yield Run(("udevadm", "control", "--reload"), "udev reads the rules", may_fail=True)
    yield Run(
        ("udevadm", "trigger", "--subsystem-match=tty", "--subsystem-match=usb-serial", "--subsystem-match=gpio"),
        "and applies them to what is plugged in",
        may_fail=True,
    )
    yield Run(("systemctl", "enable", "--quiet", *SERVICES), "they start with the machine")
    # Each by its name too: one that was started by hand while the target was not is no part of the target's restart.
    yield Run(("systemctl", "try-restart", TARGET, "archstats-*.service"), "those that run, anew")
    yield Run(("systemctl", "start", TARGET), "and all of them now")


def _enable_elsewhere(root: Path) -> Iterator[Step]:
    yield Run(("systemctl", "--root", str(root), "enable", "--quiet", *SERVICES), "they start with that machine")


def address_file() -> Path:
    """The drop-in that says where the live page is served."""
    return UNITS / f"{SOCKET}.d" / "address.conf"


def network_file(unit: str) -> Path:
    """The drop-in that opens the network to a unit."""
    return UNITS / f"{unit}.d" / "network.conf"


def is_drop_in(path: Path) -> bool:
    """Whether a file is one of our additions to a unit; those of people have other names."""
    return path.parent.parent == UNITS and path.name in ("address.conf", "network.conf")


def next_steps(hub: Hub) -> list[str]:
    """What a technician does after the installation, as lines."""
    address = listen_stream(hub.settings)
    lines = [f"The live page is at http://{address}/"]
    if hub.remote_database:
        lines.append(
            "The database is on another machine: run 'archstats-sensor db init' there, with its owner's rights."
        )
    if not hub.devices:
        lines += [
            "Next, for each device: plug it in, find its name with 'ls /dev/archstats', then",
            "  sudoedit /etc/archstats/bow-1.env      ARCH_STATS_DRIVER=bow.link",
            "                                         ARCH_STATS_PORT=/dev/archstats/...",
            "                                         ARCH_STATS_LANE=1",
            "  sudo systemctl enable --now archstats-sensor@bow-1",
            "  systemctl status archstats-sensor@bow-1",
        ]
    for device in hub.devices:
        if f"archstats-sensor@{device}.service" not in hub.instances:
            lines.append(
                f"{device} has settings but is not started: sudo systemctl enable --now archstats-sensor@{device}"
            )
    return lines
