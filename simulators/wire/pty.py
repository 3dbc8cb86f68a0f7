"""The device's end of a serial line: a pseudo-terminal with a stable name."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.transport.terminal_owner import TERMINALS, claim, is_of_other_software, serving_process

MAX_BUFFERED = 64 * 1024
"""Most bytes buffered for the terminal. A frame that does not fit is dropped whole and counted."""
UNREAD_S = 2.0
"""Time after which unread bytes are discarded. A real line keeps nothing either, and a reader that opens the port late must not
receive old frames."""
KERNEL_BYTES = 64 * 1024
"""More than the kernel keeps between the two ends: a line that took more has a reader. Linux keeps some 12 kB."""
LOCKED_WITHIN_S = 1.0
"""Longest wait for another process that takes a link in the same folder; it holds the lock for microseconds."""
_READ_SIZE = 4096
_SPEED_AT = 5
"""Index of the output speed in the attributes of a terminal."""
_RATES = (1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
_BAUDS = {getattr(termios, f"B{baud}"): baud for baud in _RATES}


class PortHeld(OSError):
    """A living process serves the link; ``pid`` is 0 when the kernel does not name it."""

    def __init__(self, link: Path, pid: int) -> None:
        super().__init__(errno.EBUSY, os.strerror(errno.EBUSY), str(link))
        self.pid = pid


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
            _take(link, self._slave)
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the master's descriptor."""
        return self._master

    @property
    def baud(self) -> int | None:
        """Bit rate that the hub has set on its terminal; None for an unusual one."""
        return _BAUDS.get(termios.tcgetattr(self._slave)[_SPEED_AT])

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


def _take(link: Path, slave: int) -> None:
    """Create the symlink to the terminal of ``slave``, or replace one that a dead process left behind.

    Raises PortHeld when a living process serves the link, FileExistsError when the name belongs to anything other than a
    symlink to a terminal, or to the terminal of other software.
    """
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.ttyname(slave))
    try:
        claim(slave, fresh)  # before other programs can see the link
        with _folder_locked(link.parent):
            _refuse_taken(link)
            fresh.replace(link)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _refuse_taken(link: Path) -> None:
    if not os.path.lexists(link):
        return
    if not link.is_symlink() or link.readlink().parent != TERMINALS:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(link))
    try:
        pid = serving_process(link)
    except OSError as fault:  # only a living process keeps a terminal to itself
        raise PortHeld(link, 0) from fault
    if pid is not None:
        raise PortHeld(link, pid)
    if is_of_other_software(link):
        raise FileExistsError(errno.EEXIST, "it leads to the terminal of another program", str(link))


@contextmanager
def _folder_locked(folder: Path) -> Iterator[None]:
    """Keep other processes from taking a link between the check and the replacement. Raises TimeoutError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCKED_WITHIN_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, "another program has locked the folder", str(folder)) from None
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)
