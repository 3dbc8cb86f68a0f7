"""The device's end of a serial line: a pseudo-terminal with a stable name."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path

MAX_BUFFERED = 64 * 1024
"""Bytes that wait for the terminal. A frame that does not fit is dropped whole and counted."""
UNREAD_S = 2.0
"""When nobody emptied the terminal for so long, nobody listens, and what waits there is thrown away: a real line keeps
nothing either, and who opens the port late must not be told of the past."""
_READ_SIZE = 4096


class PtyWire:
    """A raw pseudo-terminal whose slave is reached by a symlink.

    One descriptor of the slave stays open here, or the master would fail with EIO whenever nobody else has it open.
    Writes never block: what the terminal does not take now waits in a bounded buffer for :meth:`flush`.
    """

    def __init__(self, link: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.link = link
        self.dropped = 0
        self._clock = clock
        self._emptied_at = clock()
        self._waiting = bytearray()
        self._master, self._slave = os.openpty()
        try:
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            _point(link, os.ttyname(self._slave))
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the master's descriptor, to wait on."""
        return self._master

    @property
    def has_waiting(self) -> bool:
        """Whether bytes wait until the terminal can take them."""
        return bool(self._waiting)

    def write(self, frame: bytes) -> None:
        """Send a whole frame or drop it; never wait."""
        self._forget_what_nobody_reads()
        if len(self._waiting) + len(frame) > MAX_BUFFERED:
            self.dropped += 1
            return
        self._waiting += frame
        self.flush()

    def flush(self) -> None:
        """Give the terminal as much as it takes now."""
        while self._waiting:
            try:
                written = os.write(self._master, self._waiting)
            except BlockingIOError:
                return
            del self._waiting[:written]

    def read(self) -> bytes:
        """Return what the other side sent; empty when there is nothing now."""
        try:
            return os.read(self._master, _READ_SIZE)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Hang up and take the name away, as an unplugged cable does. Bytes not read yet are lost. May be called twice."""
        if self._master >= 0:
            if self.link.is_symlink() and str(self.link.readlink()) == os.ttyname(self._slave):
                self.link.unlink()
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    def _forget_what_nobody_reads(self) -> None:
        now = self._clock()
        (unread,) = struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))
        if unread or self._waiting:
            if now - self._emptied_at <= UNREAD_S:
                return
            self._waiting.clear()
            termios.tcflush(self._master, termios.TCOFLUSH)  # what is on its way to the slave
            termios.tcflush(self._slave, termios.TCIFLUSH)  # what has come there
        self._emptied_at = now


def _point(link: Path, device: str) -> None:
    """Make or replace the symlink in one step, so that nobody ever finds half of it.

    Raises FileExistsError when something else than a symlink has the name.
    """
    if os.path.lexists(link) and not link.is_symlink():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(link))
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(device)
    fresh.replace(link)
