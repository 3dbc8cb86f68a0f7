"""Diagnosis of a port that cannot be opened, with a hint that states what to do next.

It reads ``/proc`` and the port's entry in the file system, so call it in a thread.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from drivers.errors import DeviceUnavailable, DriverConfigError, DriverError

_GRABBERS = {
    "ModemManager": "It probes every serial port for a modem. Stop it with `sudo systemctl disable --now ModemManager`.",
    "brltty": "It takes USB serial adapters for Braille displays. Remove it with `sudo apt remove brltty`.",
}
SEARCH_S = 3.0
"""Time limit of the search for the process that holds a port; it must end before opening times out."""
NO_GROUP_TO_JOIN = (0, 65534)
"""Groups that the hint must not suggest: root, and the substitute for every group that PrivateUsers= hides."""


def explain(port: str, device: str, fault: Exception) -> DriverError:
    """The error to raise for ``fault``, the exception from opening ``port``."""
    if isinstance(fault, ValueError):
        return DriverConfigError(
            f"port {port} cannot be used: {fault}", device=device, hint="Correct ARCH_STATS_PORT or ARCH_STATS_BAUD."
        )
    if "://" in port:
        return _network(port, device, fault)
    code = fault.errno if isinstance(fault, OSError) else None
    with suppress(OSError):
        mode = Path(port).stat().st_mode
        if not stat.S_ISCHR(mode):
            return DriverConfigError(
                f"{port} is not a serial port",
                device=device,
                hint="Set ARCH_STATS_PORT to a device such as /dev/ttyUSB0; `ls -l /dev/serial/by-id` lists them.",
            )
    if code == errno.EPERM:  # not from the file mode, which gives EACCES
        return DeviceUnavailable(
            f"the unit does not allow {port}",
            device=device,
            hint=f"Run `sudo systemctl edit archstats-sensor@{device}`, write `[Service]` and "
            f"`DeviceAllow=char-{_major(port)} rw`, then restart it.",
        )
    if code == errno.EACCES:
        return DeviceUnavailable(f"no permission to open {port}", device=device, hint=_permission_hint(port))
    if code in (errno.EAGAIN, errno.EBUSY):
        return DeviceUnavailable(f"another program holds {port}", device=device, hint=_holder_hint(port))
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceUnavailable(f"{port} does not exist", device=device, hint=_absent_hint(port))
    return DeviceUnavailable(
        f"{port} cannot be opened: {fault}",
        device=device,
        hint="Unplug the cable and plug it in again; `dmesg | tail` shows the kernel's messages.",
    )


def _network(port: str, device: str, fault: Exception) -> DriverError:
    # pyserial wraps the socket's error into its own and keeps only the text.
    cause = fault.__context__
    if isinstance(cause, socket.gaierror):
        return DeviceUnavailable(
            f"{port}: no such host", device=device, hint="Check the host's name in ARCH_STATS_PORT and the network."
        )
    if isinstance(cause, ConnectionRefusedError):
        return DeviceUnavailable(
            f"{port}: connection refused",
            device=device,
            hint="Start the serial server on that host, or correct the port number in ARCH_STATS_PORT.",
        )
    return DeviceUnavailable(
        f"{port} does not answer: {cause or fault}",
        device=device,
        hint="Check that the host is switched on and answers `ping`.",
    )


def _permission_hint(port: str) -> str:
    try:
        entry = Path(port).stat()
    except OSError:  # a folder of the path may not be entered
        return f"`namei -l {port}` shows the permissions."
    if entry.st_gid in NO_GROUP_TO_JOIN:
        return (
            f"Its mode is {stat.filemode(entry.st_mode)}; `ls -lL {port}` shows its owner. Assign it to a group of the "
            'sensors with a udev rule (GROUP="dialout", MODE="0660"), then plug it in again.'
        )
    owner, group = _user(entry.st_uid), _group(entry.st_gid)
    me = _user(os.geteuid())
    mine = sorted({_group(gid) for gid in (*os.getgroups(), os.getegid())})
    return (
        f"It belongs to {owner}:{group} with mode {stat.filemode(entry.st_mode)}; this is {me}, in groups "
        f"{', '.join(mine)}. Run `sudo usermod -aG {group} {me}`, then log in again or restart the service."
    )


def _major(port: str) -> int:
    """The major number of a device, as unit files name it."""
    with suppress(OSError):
        return os.major(Path(port).stat().st_rdev)
    return 0


def _holder_hint(port: str) -> str:
    holders = list(_holders(port))
    if not holders:
        return f"`sudo fuser -v {port}` shows which one. Stop it."
    names = ", ".join(f"{name} (pid {pid})" for pid, name in holders)
    advice = next(
        (_GRABBERS[name] for _, name in holders if name in _GRABBERS), "Stop it, or configure another port for it."
    )
    return f"Held by {names}. {advice}"


def _absent_hint(port: str) -> str:
    path = Path(port)
    target = f" It points to {path.readlink()}, which does not exist." if path.is_symlink() else ""
    return (
        f"Check the cable and the device's power.{target} "
        "`ls -l /dev/serial/by-id` lists the devices that are plugged in."
    )


def _holders(port: str) -> Iterator[tuple[int, str]]:
    """Processes that have the port open, as far as this user has permission to see."""
    wanted, until = Path(os.path.realpath(port)), time.monotonic() + SEARCH_S
    for process in Path("/proc").glob("[0-9]*"):
        if time.monotonic() > until:
            return
        with suppress(OSError):  # it has ended, or belongs to another user
            if any(entry.readlink() == wanted for entry in (process / "fd").iterdir()):
                yield int(process.name), (process / "comm").read_text(encoding="utf-8", errors="replace").strip()


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
