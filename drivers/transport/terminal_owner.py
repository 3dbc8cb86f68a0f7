"""The owner of a pseudo-terminal: the number of a terminal is used again, so that a link to it proves nothing.

A simulated device keeps a record lock (fcntl(2)) on its terminal, at an offset that stands for its link. The kernel releases it
however the process ends, and names its holder. So a link whose device was killed is recognised, also when the number of its
terminal belongs to another device by now. The lock does not exclude pyserial's, which is another kind (flock(2)).
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PTY_MAJORS: Final = range(136, 144)
"""Device numbers of pseudo-terminals: Linux, Documentation/admin-guide/devices.txt."""
TERMINALS: Final = Path("/dev/pts")
OWN_DESCRIPTORS: Final = Path("/proc/self/fd")
MOST_LINKS: Final = 40
"""Longest chain of symbolic links, as for the kernel."""
_FLOCK: Final = "hhqqi0q"
"""struct flock: type, whence, start, length and process; padded to a multiple of eight bytes."""
_OFFSETS: Final = 1 << 62


def is_pseudo_terminal(path: Path) -> bool:
    """Whether a path leads to a pseudo-terminal."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) in PTY_MAJORS


def claim(slave: int, link: Path) -> None:
    """Lock the terminal of ``slave`` for ``link``, until this process closes any descriptor of that terminal."""
    fcntl.lockf(slave, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(link))


def serving_process(link: Path) -> int | None:
    """Process whose terminal serves ``link``; 0 for one in another container, None when there is none but this one.

    Raises OSError when the terminal cannot be opened.
    """
    if not is_pseudo_terminal(link):
        return None
    with _opened(link) as terminal:
        return _holder(terminal, _offset(link), 1)


def is_of_other_software(link: Path) -> bool:
    """Whether another program made this link to its own terminal, which still exists.

    A program makes its terminal first. Where the link is older than the terminal, the link's own terminal is gone, and its
    number is another one's by now. The kernel dates both by one clock. Terminals of this process do not count.
    """
    try:
        terminal = link.stat()
    except OSError:
        return False
    is_own = is_pseudo_terminal(link) and _open_descriptor(terminal) is not None
    return not is_own and terminal.st_ctime_ns <= link.lstat().st_mtime_ns


def foreign_owner(port: Path) -> str | None:
    """Describe the owner of the terminal behind ``port`` when it is not the device of that link; else None.

    That is another simulated device, or the terminal of a login. A link that was made by other software counts as right.
    """
    if not is_pseudo_terminal(port):
        return None
    login = _login_on(port)
    if login is not None:
        return f"the terminal of a login (process {login})"
    link = last_link(port)
    with suppress(OSError), _opened(port) as terminal:
        if link is not None and _holder(terminal, _offset(link), 1) is None:
            other = _holder(terminal, 0, 0)
            return None if other is None else f"another simulated device (process {other})"
    return None


def last_link(path: Path) -> Path | None:
    """The last symbolic link on the way to a terminal; None for the terminal's own name."""
    link = None
    for _ in range(MOST_LINKS):
        if not path.is_symlink():
            break
        link, path = path, path.parent / path.readlink()
    return link


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The terminal, opened without a change: neither its modes nor the controlling terminal of this process.

    A terminal that this process has open already is not opened again, because to close it would release its own locks.
    """
    own = _open_descriptor(path.stat())
    if own is not None:
        yield own
        return
    terminal = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield terminal
    finally:
        os.close(terminal)


def _open_descriptor(terminal: os.stat_result) -> int | None:
    """A descriptor of this process that leads to a terminal; None without one."""
    for entry in OWN_DESCRIPTORS.iterdir():
        with suppress(OSError):  # that of the iteration itself, or one that a thread closed meanwhile
            if os.path.samestat(os.fstat(int(entry.name)), terminal):
                return int(entry.name)
    return None


def _offset(link: Path) -> int:
    """Offset that stands for a link: by its inode, which is the same under every path, also inside a container."""
    found = link.lstat()
    return ((found.st_dev << 40) ^ found.st_ino) % _OFFSETS


def _holder(terminal: int, start: int, length: int) -> int | None:
    """Process with a lock on these bytes, a length of 0 reaching to the end; locks of this process do not count."""
    wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(terminal, fcntl.F_GETLK, wanted))
    return None if kind == fcntl.F_UNLCK else pid


def _login_on(port: Path) -> int | None:
    """A process that has the terminal as its controlling terminal, as far as this user sees processes.

    Raises OSError where the processes cannot be listed.
    """
    device = port.stat().st_rdev
    for process in (entry for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        with suppress(IndexError, FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is hidden
            fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
            if _as_device(int(fields[4])) == device:
                return int(process.name)
    return None


def _as_device(tty_nr: int) -> int:
    """The device number that the kernel packs into ``tty_nr`` of proc(5)."""
    return os.makedev((tty_nr >> 8) & 0xFFF, (tty_nr & 0xFF) | ((tty_nr >> 12) & 0xFFF00))
