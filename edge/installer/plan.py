"""The steps that install the services. Pure: facts in, steps out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge.installer.command import COMMAND_TEXT
from edge.installer.env_files import common_text, is_loopback, listen_stream, needs_network
from edge.installer.hub import (
    ANNOUNCEMENT,
    COMMAND,
    COMMON_SETTINGS,
    FOLDERS,
    MORE_SHOTS,
    OPERATOR_TOKEN,
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
from edge.installer.steps import MakeSecret, Remove, RemoveEmpty, Run, Step, Write
from edge.installer.venvs import active_venv, build, remove_old, switch_over

UNIT_FILES = (TARGET, SENSOR, SHOTS, MORE_SHOTS, PUSH, SOCKET)
SHIPPED_PLACES: dict[str, Path] = {
    **{name: UNITS / name for name in UNIT_FILES},
    "60-archstats.rules": RULES,
    "sysusers.d/archstats.conf": USERS,
    "tmpfiles.d/archstats.conf": FOLDERS,
}
"""Place of each shipped file; ``network.conf`` becomes a drop-in where the settings need it."""
FOUNDATIONS = ("sysusers.d/archstats.conf", "tmpfiles.d/archstats.conf")
"""Files that are written first: users and folders."""
SERVICES = (SHOTS, PUSH, SOCKET, TARGET)
DEFAULT_ADDRESS = "127.0.0.1:8000"
AVAHI_FILE = "avahi/archstats.service"
"""The announcement of the live page, with the port of ``DEFAULT_ADDRESS``."""


def install_plan(hub: Hub, root: Path = THIS_MACHINE) -> list[Step]:
    """All steps, in order: those that may fail come before those that affect the running services.

    Another ``root`` belongs to a machine that will boot from it, and creates users and folders then. Raises ConfigError when
    systemd cannot open the address of the live page.
    """
    live = root == THIS_MACHINE
    return [
        *build(hub, root),
        *_foundations(hub),
        *(_users_and_database(hub) if live else ()),
        *_files(hub),
        *_drop_ins(hub),
        *_announcement(hub),
        *switch_over(hub, root),
        *(_start() if live else _enable_elsewhere(root)),
        *remove_old(hub),
    ]


def _foundations(hub: Hub) -> Iterator[Step]:
    for name in FOUNDATIONS:
        yield Write(SHIPPED_PLACES[name], hub.shipped[name])
    secret = "POSTGRES_PASSWORD" in hub.settings
    yield Write(COMMON_SETTINGS, common_text(hub.settings), 0o600 if secret else 0o644, once=True)
    yield MakeSecret(OPERATOR_TOKEN)


def _users_and_database(hub: Hub) -> Iterator[Step]:
    yield Run(("systemd-sysusers", str(USERS)), "create one user per kind of service")
    yield Run(("systemd-tmpfiles", "--create", str(FOLDERS)), "create folders for settings and state")
    if not hub.remote_database:
        owner = {
            "POSTGRES_SOCKET_DIR": str(SOCKET_DIR),
            **{name: value for name, value in hub.settings.items() if name.startswith(("POSTGRES_", "ARCH_STATS_WS"))},
            "POSTGRES_USER": "postgres",
        }
        words = ("runuser", "-u", "postgres", "--", f"{active_venv(hub)}/bin/archstats-sensor", "db", "init")
        yield Run(words, f"create database {hub.database}, its tables and roles", owner)


def _files(hub: Hub) -> Iterator[Step]:
    for name, path in SHIPPED_PLACES.items():
        if name not in FOUNDATIONS:
            yield Write(path, hub.shipped[name])
    yield Write(COMMAND, COMMAND_TEXT, 0o755)


def _drop_ins(hub: Hub) -> Iterator[Step]:
    """Drop-ins that follow from the settings; those of an earlier installation are removed when they are no longer needed."""
    address = listen_stream(hub.settings)
    wanted: dict[Path, str] = {}
    if address != DEFAULT_ADDRESS:
        wanted[address_file()] = f"[Socket]\nListenStream=\nListenStream={address}\n"
    for unit in (SENSOR, SHOTS, MORE_SHOTS, PUSH):
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


def _announcement(hub: Hub) -> Iterator[Step]:
    """Announce the live page by multicast DNS where other machines can open it and Avahi is installed."""
    address = listen_stream(hub.settings)
    if hub.has_avahi and not is_loopback(address):
        port = address.rpartition(":")[2]
        yield Write(ANNOUNCEMENT, hub.shipped[AVAHI_FILE].replace("<port>8000</port>", f"<port>{port}</port>"))
    elif ANNOUNCEMENT in hub.present:
        yield Remove(ANNOUNCEMENT)


def _start() -> Iterator[Step]:
    yield Run(("systemctl", "daemon-reload"), "load the units")
    yield Run(("udevadm", "control", "--reload"), "load the udev rules", may_fail=True)
    yield Run(
        ("udevadm", "trigger", "--subsystem-match=tty", "--subsystem-match=usb-serial", "--subsystem-match=gpio"),
        "apply them to the devices that are plugged in",
        may_fail=True,
    )
    yield Run(("systemctl", "enable", "--quiet", *SERVICES), "start them with the machine")
    # By name too: a unit that was started while the target was stopped is not restarted with the target.
    yield Run(("systemctl", "try-restart", TARGET, "archstats-*.service"), "restart those that run")
    yield Run(("systemctl", "start", TARGET), "start all of them")


def _enable_elsewhere(root: Path) -> Iterator[Step]:
    yield Run(("systemctl", "--root", str(root), "enable", "--quiet", *SERVICES), "start them with that machine")


def address_file() -> Path:
    """Drop-in with the address of the live page."""
    return UNITS / f"{SOCKET}.d" / "address.conf"


def network_file(unit: str) -> Path:
    """Drop-in that opens the network to a unit."""
    return UNITS / f"{unit}.d" / "network.conf"


def is_drop_in(path: Path) -> bool:
    """Whether a file is a drop-in of ours; operators name theirs differently."""
    return path.parent.parent == UNITS and path.name in ("address.conf", "network.conf")


def next_steps(hub: Hub, live_page: str) -> list[str]:
    """Lines that the technician reads after the installation; ``live_page`` is the page's address."""
    lines = [f"The live page is at {live_page}"]
    if is_loopback(listen_stream(hub.settings)):
        lines.append(
            f"Only this machine can open it. For phones: write ARCH_STATS_SERVER_HOST=0.0.0.0 into {COMMON_SETTINGS}, and install again."
        )
    else:
        lines.append(
            "'sudo archstats-sensor address --operator' shows a QR code for the phones that may change things."
        )
    if hub.remote_database:
        lines.append("The database is on another machine: run 'archstats-sensor db init' there as its owner.")
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
                f"{device} has settings but its service is not enabled: sudo systemctl enable --now archstats-sensor@{device}"
            )
    return lines
