"""One simulated range at a time: a second one would close the first one's sessions and write into its logs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.common.config.errors import CommandError

LOCK = "range.lock"


@contextmanager
def only_range(folder: Path) -> Iterator[None]:
    """Hold the range's folder, in which its logs are; those of an earlier range are thrown away.

    The kernel lets go of it however the process dies. Raises Refused naming the process of a range that runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            lock.seek(0)
            pid = lock.read().strip()
            raise CommandError(
                f"a simulated range runs on this database already (process {pid}; its logs are in {folder})",
                hint=f"End it, with Ctrl-C where it runs or: kill {pid}. Or simulate into another database with --database-dir DIR",
            ) from fault
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for old in folder.glob("*.log"):
            old.unlink()
        yield
