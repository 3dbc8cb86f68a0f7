"""The lock files of PostgreSQL, and the processes that they stand for: those that work in the cluster's data folder.

PostgreSQL takes any living process with the number in its lock file for a running server, and refuses to start over a file
that it cannot read, as a power failure leaves one. Here a process counts when it is a postgres whose working folder is the
data folder: the server and its children enter that folder at their start and never leave it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

LARGEST_PID: Final = 1 << 22
"""Largest process number of Linux (PID_MAX_LIMIT)."""
PROGRAMS: Final = ("postgres", "postmaster")
CHILD_TITLE: Final = b"postgres: "
"""Beginning of the command line that a child of the server shows; the server shows its own program and options."""


def working_processes(data: Path) -> list[int]:
    """The living postgres processes whose working folder is ``data``, also those whose server was killed.

    Raises OSError where the processes cannot be listed: that is no evidence that there are none.
    """
    try:
        there = data.stat()
    except OSError:
        return []
    found = []
    for process in Path("/proc").iterdir():
        # it is no process, has ended, or belongs to a user who cannot enter a private folder
        with suppress(ValueError, FileNotFoundError, ProcessLookupError, PermissionError):
            if is_postgres(int(process.name)) and os.path.samestat((process / "cwd").stat(), there):
                found.append(int(process.name))
    return found


def servers(data: Path) -> list[int]:
    """The living servers of ``data`` without their children: one, or none."""
    return [pid for pid in working_processes(data) if not _command_line(pid).startswith(CHILD_TITLE)]


def is_postgres(pid: int) -> bool:
    """Whether a process is a postgres that still runs; a zombie does not."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_bytes().partition(b"(")[2].rpartition(b")")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name.decode(errors="replace") in PROGRAMS and rest.split()[0] != b"Z"


def holder(lock: Path) -> int | None:
    """The process number in a lock file; None when the file is empty or garbled. Raises OSError when it cannot be read."""
    first = lock.read_bytes().split(b"\n", 1)[0].strip()
    try:
        pid = abs(int(first))  # negative for a server without clients
    except ValueError:
        return None
    return pid if 0 < pid <= LARGEST_PID else None


def remove_stale(lock: Path, data: Path) -> None:
    """Remove the lock file of a dead server when it is unreadable, or its number now belongs to another process.

    The caller holds the start lock, and no server listens on the socket. A file with the number of a process that has ended
    stays: PostgreSQL removes it by itself, after it has looked for the dead server's children by their shared memory. Raises
    OSError when the file cannot be read or removed.
    """
    try:
        pid = holder(lock)
    except FileNotFoundError:
        return
    has_ended = pid is not None and not Path(f"/proc/{pid}").exists()
    if not has_ended and not working_processes(data):
        lock.unlink(missing_ok=True)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return CHILD_TITLE  # it has ended
