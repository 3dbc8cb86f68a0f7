"""The interface to systemd: notifications to its socket, and listening sockets inherited from it.

The protocol is that of sd_notify(3) and sd_listen_fds(3). Without systemd no datagram is sent and no socket inherited.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

FIRST_INHERITED = 3
"""Number of the first inherited file descriptor (SD_LISTEN_FDS_START)."""


class Notifier:
    """Sends the state of this process to systemd. ``address`` None: systemd did not start it, and nothing is sent."""

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        """Time after which systemd ends this process without ``WATCHDOG=1``, in seconds; None without a watchdog."""
        self._address = "\0" + address[1:] if address and address.startswith("@") else address

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        """A notifier with the settings of the environment; a watchdog of another process is ignored."""
        microseconds, watched = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(pid))
        ours = microseconds.isdecimal() and int(microseconds) > 0 and watched == str(pid)
        return cls(environ.get("NOTIFY_SOCKET") or None, int(microseconds) / 1e6 if ours else None)

    def notify(self, *assignments: str) -> None:
        """Send ``KEY=value`` lines in one datagram, at once or not at all. Raises OSError when it cannot be sent."""
        if self._address is None:
            return
        message = "\n".join(" ".join(line.split("\n")) for line in assignments)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
            way.setblocking(False)
            way.sendto(message.encode(), self._address)


def inherited_sockets(environ: Mapping[str, str], pid: int) -> list[socket.socket]:
    """The listening sockets that systemd opened for this process; empty when it opened none, or for another process.

    To be called once: the sockets are the caller's.
    """
    if environ.get("LISTEN_PID") != str(pid):
        return []
    count = environ.get("LISTEN_FDS", "")
    found: list[socket.socket] = []
    for number in range(FIRST_INHERITED, FIRST_INHERITED + (int(count) if count.isdecimal() else 0)):
        os.set_inheritable(number, False)
        found.append(socket.socket(fileno=number))
    return found


def credential_file(environ: Mapping[str, str], name: str) -> Path | None:
    """The file of a credential that systemd passed to this service (``LoadCredential=``); None without one, or for a blank one.

    A unit has a blank one by default (``SetCredential=``), so that it starts without the file.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    path = Path(folder) / name
    try:
        return path if path.read_bytes().strip() else None
    except OSError:
        return None
