"""Values, errors and lock of a spool, which need no SQLite."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.common.private_files import make_folders
from edge.sensor.queue.inbox import Storable


class SpoolRefused(Exception):
    """Nothing was written: no room, no permission, another daemon. The text says why and what to do; it may pass."""


class SpoolDamaged(Exception):
    """The file is unreadable and was moved aside; the text says where. An empty one takes its place."""


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """The oldest reports."""

    through: int
    """Id of the last row, for :meth:`SpoolFile.drop`."""
    reports: list[Storable]


@dataclass(frozen=True, slots=True)
class SpoolSize:
    """The extent of a spool."""

    rows: int = 0
    bytes: int = 0
    """Size of the files, a little more than their rows."""
    oldest_at: datetime | None = None
    """Instant at which the oldest row was written."""


class SpoolLock:
    """The lock that keeps a second daemon of one device from its spool."""

    def __init__(self, folder: Path, device_id: str) -> None:
        self._path = folder / f"{device_id}.lock"
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock unless it is held here already. Raises SpoolRefused."""
        if self._handle is not None:
            return
        try:
            make_folders(self._path.parent)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise SpoolRefused(
                f"{self._path} cannot be created ({fault.strerror}); correct ARCH_STATS_SPOOL_DIR or its permissions"
            ) from fault
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(handle)
            raise SpoolRefused(
                f"another process holds {self._path}; two daemons serve one device, stop one of them"
            ) from fault
        self._handle = handle

    def release(self) -> None:
        """Release the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
