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
"""Most bytes buffered for the terminal. A frame that does not fit is dropped whole and counted."""
UNREAD_S = 2.0
"""Time after which unread bytes are discarded. A real line keeps nothing either, and a reader that opens the port late must not
receive old frames."""
KERNEL_BYTES = 64 * 1024
"""More than the kernel keeps between the two ends: a line that took more has a reader. Linux keeps some 12 kB."""
_READ_SIZE = 4096


class PtyWire:
    """A raw pseudo-terminal whose slave is reached by a symlink.

    One descriptor of the slave stays open here, because the master fails with EIO while no process has the slave open.
    Writes never block: bytes that the terminal does not accept wait in a bounded buffer for :meth:`flush`.
    """

    def __init__(self, link: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.link = link
        self.dropped = 0
        self._clock = clock
        self._emptied_at = clock()
        self._written_since = 0
        """Bytes that the terminal accepted since the reader was last known to read."""
        self._unread = 0
        """Bytes in the terminal's input queue at the last check."""
        self._buffer = bytearray()
        self._master, self._slave = os.openpty()
        try:
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            _point(link, os.ttyname(self._slave))
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the master's descriptor."""
        return self._master

    @property
    def has_buffered(self) -> bool:
        """Whether bytes are buffered for the terminal."""
        return bool(self._buffer)

    def write(self, frame: bytes) -> None:
        """Send a whole frame or drop it, without waiting."""
        self._discard_unread()
        if len(self._buffer) + len(frame) > MAX_BUFFERED:
            self.dropped += 1
            return
        self._buffer += frame
        self.flush()

    def flush(self) -> None:
        """Write as many buffered bytes as the terminal accepts now."""
        while self._buffer:
            try:
                written = os.write(self._master, self._buffer)
            except BlockingIOError:
                return
            del self._buffer[:written]
            self._written_since += written

    def read(self) -> bytes:
        """Return the bytes that the other side sent; empty when none are available."""
        try:
            return os.read(self._master, _READ_SIZE)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Hang up and remove the symlink, like an unplugged cable. Unread bytes are lost. May be called twice."""
        if self._master >= 0:
            if self.link.is_symlink() and str(self.link.readlink()) == os.ttyname(self._slave):
                self.link.unlink()
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    def _discard_unread(self) -> None:
        now, before = self._clock(), self._unread
        (self._unread,) = struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))
        is_empty = not self._unread and not self._buffer
        # A reader that keeps up with a fast device may never empty the terminal.
        if not is_empty and self._unread >= before and self._written_since <= KERNEL_BYTES:
            if now - self._emptied_at <= UNREAD_S:
                return
            self._buffer.clear()
            self._unread = 0
            termios.tcflush(self._master, termios.TCOFLUSH)  # bytes on their way to the slave
            termios.tcflush(self._slave, termios.TCIFLUSH)  # bytes in the slave's input queue
        self._emptied_at, self._written_since = now, 0


def _point(link: Path, device: str) -> None:
    """Create or replace the symlink atomically.

    Raises FileExistsError when the name belongs to anything other than a symlink.
    """
    if os.path.lexists(link) and not link.is_symlink():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(link))
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(device)
    fresh.replace(link)
