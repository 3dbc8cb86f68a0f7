"""The spool's file: a bounded queue on disk, oldest first, every change fsynced.

The file exists only while it has rows. Everything here blocks, and runs in the one thread of ``edge.sensor.queue.spool``,
which loads this module with SQLite when a file exists or the first report goes to the disk.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from drivers.contract import ClockModel
from edge.common.vocabulary import ReportKind
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import from_json, to_json
from edge.sensor.queue.spooled import SpoolDamaged, SpooledBatch, SpoolLock, SpoolRefused, SpoolSize

MAX_ROWS: Final = 2_000_000
"""A device that reports once a second fills this in 23 days; the limit in bytes is usually met before."""
PAGE_BYTES: Final = 4096
CHECKED_BYTES: Final = 512 << 20
"""Largest file that is checked as a whole when it is opened. Damage in a larger one shows when it is drained."""
CLOCK_SEARCH_ROWS: Final = 20_000
"""Number of newest rows among which clocks are searched: bounds the time to open a large file."""
CLOCKS_FOUND: Final = 16
"""Number of newest clocks that the search returns."""
FORMAT: Final = 2
"""Version of the rows, kept as ``user_version``; a file of another version is moved aside."""
DAMAGED_KEPT: Final = 3
"""Number of damaged files that stay beside the spool."""
_TEMPORARY: Final = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM,
})  # fmt: skip
"""Primary result codes of a refusal that may pass."""
_UNREADABLE: Final = frozenset({
    sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS,
})  # fmt: skip
"""Extended result codes of damage among them."""
_Result = TypeVar("_Result")
_SCHEMA: Final = """
create table if not exists spooled (
    id integer primary key autoincrement,
    since text not null,
    report text not null
) strict
"""
_NEWEST_CLOCKS: Final = """
select report from (select id, report from spooled order by id desc limit ?)
where report like ? order by id desc limit ?
"""


class SpoolFile:
    """The spool of one device. Its methods may raise SpoolRefused or SpoolDamaged, and can be called again afterwards."""

    def __init__(self, folder: Path, device_id: str, max_bytes: int, lock: SpoolLock | None = None) -> None:
        self.path = folder / f"{device_id}.spool"
        self._lock = lock or SpoolLock(folder, device_id)
        self._max_bytes = max_bytes
        self._db: sqlite3.Connection | None = None
        self._rows = 0
        self._dropped_through = 0
        """Rows up to this id are dropped, even where a full disk has no room to record it."""
        self._read_through = 0
        """The highest id that :meth:`oldest` returned."""

    def open_existing(self) -> list[ClockModel]:
        """Take the lock and open the file of an earlier daemon; creates none. Returns the newest clocks in it."""
        self._lock.take()
        return self._guarded(self._open_existing)

    def append(self, reports: Sequence[Storable]) -> SpoolSize:
        """Write all reports or none; they are durable when it returns."""
        self._lock.take()
        since = datetime.now(UTC).isoformat()
        rows = [(since, to_json(report)) for report in reports]
        self._guarded(lambda: self._append(rows))
        return self.size()

    def oldest(self, limit: int) -> SpooledBatch | None:
        """Up to ``limit`` of the oldest, which stay until :meth:`drop`; None when the spool is empty."""
        return self._guarded(lambda: self._oldest(limit))

    def drop(self, through: int) -> SpoolSize:
        """Remove the rows up to this id; with the last row the file is removed, too."""
        self._guarded(lambda: self._drop(through))
        return self.size()

    def size(self) -> SpoolSize:
        """Number of rows, bytes and age."""
        return self._guarded(self._size)

    def close(self) -> None:
        """Release file and lock; the rows stay."""
        self._shut()
        self._lock.release()

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            new = not self.path.exists()
            db = sqlite3.connect(self.path, timeout=0, isolation_level=None)
            try:
                self._rows = _prepare(db, self._max_bytes, new=new)
                if self._read_through and not self._rows:
                    # A batch of a file that was damaged since may still be dropped: it must take no row of its successor.
                    db.execute("delete from sqlite_sequence")
                    db.execute("insert into sqlite_sequence (name, seq) values ('spooled', ?)", (self._read_through,))
                if new:
                    _sync_folder(self.path.parent)
            except BaseException:
                db.close()
                if new:
                    self._unlink()
                raise
            self._db, self._dropped_through = db, 0
        return self._db

    def _open_existing(self) -> list[ClockModel]:
        if self._db is None and self.path.exists():
            self._opened()
            if not self._rows:
                self._remove()
        return self._clocks()

    def _append(self, rows: Sequence[tuple[str, str]]) -> None:
        db = self._opened()
        if self._rows + len(rows) > MAX_ROWS:
            raise SpoolRefused(f"the spool is full with {self._rows} readings ({self.path}); bring the database back")
        db.execute("begin immediate")
        try:
            db.executemany("insert into spooled (since, report) values (?, ?)", rows)
            db.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                db.execute("rollback")
            if not self._rows:
                self._remove()
            raise
        self._rows += len(rows)

    def _oldest(self, limit: int) -> SpooledBatch | None:
        if self._db is None:
            return None
        query = "select id, report from spooled where id > ? order by id limit ?"
        rows: list[tuple[int, str]] = self._db.execute(query, (self._dropped_through, limit)).fetchall()
        if not rows:
            return None
        through = rows[-1][0]
        self._read_through = max(self._read_through, through)
        return SpooledBatch(through, [from_json(report) for _, report in rows])

    def _clocks(self) -> list[ClockModel]:
        if self._db is None:
            return []
        prefix = f'{{"kind":"{ReportKind.CLOCK}"%'
        rows = self._db.execute(_NEWEST_CLOCKS, (CLOCK_SEARCH_ROWS, prefix, CLOCKS_FOUND))
        clocks = [from_json(report) for (report,) in rows]
        return [clock for clock in clocks if isinstance(clock, ClockModel)]

    def _drop(self, through: int) -> None:
        if self._db is None:
            return
        count = "select count(*) from spooled where id > ? and id <= ?"
        (dropped,) = self._db.execute(count, (self._dropped_through, through)).fetchone()
        self._rows -= dropped
        self._dropped_through = through
        try:
            self._db.execute("delete from spooled where id <= ?", (through,))
        except sqlite3.OperationalError as fault:
            if _code(fault) & 0xFF not in _TEMPORARY:
                raise
        if not self._rows:
            self._remove()

    def _size(self) -> SpoolSize:
        if self._db is None:
            return SpoolSize()
        query = "select since from spooled where id > ? order by id limit 1"
        first = self._db.execute(query, (self._dropped_through,)).fetchone()
        return SpoolSize(self._rows, self._used(), datetime.fromisoformat(first[0]) if first else None)

    def _guarded(self, work: Callable[[], _Result]) -> _Result:
        """Run it; an error of SQLite becomes one of the two exceptions of this file."""
        try:
            return work()
        except sqlite3.Error as fault:
            code = _code(fault)
            if code & 0xFF in _TEMPORARY and code not in _UNREADABLE:
                raise SpoolRefused(self._refusal(code, fault)) from fault
            raise self._set_aside(fault) from fault
        except ValueError as fault:
            raise self._set_aside(fault) from fault
        except OSError as fault:
            raise SpoolRefused(
                f"{self.path} cannot be written ({fault}); check the disk and its permissions"
            ) from fault

    def _refusal(self, code: int, fault: sqlite3.Error) -> str:
        if code & 0xFF != sqlite3.SQLITE_FULL:
            return f"{self.path} cannot be written ({fault}); check the disk and its permissions"
        if self._used() >= self._max_bytes * 0.9:
            return (
                f"the spool is full with {self._rows} readings, {self._max_bytes >> 20} MB ({self.path}); "
                "bring the database back, or raise ARCH_STATS_SPOOL_MAX_MB"
            )
        return f"the disk of {self.path} is full; make room on it"

    def _set_aside(self, fault: Exception) -> SpoolDamaged:
        """Move the file aside, with the time in its name."""
        self._shut()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        try:
            for path in self._files():
                if path.exists():
                    path.rename(aside.with_name(path.name.replace(self.path.name, aside.name, 1)))
            old = sorted(self.path.parent.glob(f"{self.path.name}.damaged-*Z"))[:-DAMAGED_KEPT]
            for path in old:
                path.unlink()
                path.with_name(path.name + "-wal").unlink(missing_ok=True)
            _sync_folder(self.path.parent)
        except OSError as refused:
            raise SpoolRefused(f"{self.path} is damaged ({fault}) and cannot be moved aside ({refused})") from fault
        return SpoolDamaged(f"the spool was damaged ({fault}) and is now {aside}; readings in it are missing")

    def _remove(self) -> None:
        self._shut()
        self._unlink()

    def _shut(self) -> None:
        db, self._db, self._rows = self._db, None, 0
        if db is not None:
            with suppress(sqlite3.Error):  # its last checkpoint may fail; the next opening makes up for it
                db.close()

    def _unlink(self) -> None:
        for path in reversed(self._files()):  # the log first: it must never meet another file than its own
            path.unlink(missing_ok=True)

    def _files(self) -> tuple[Path, Path]:
        return self.path, self.path.with_name(self.path.name + "-wal")

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self._files() if path.exists())


def _prepare(db: sqlite3.Connection, max_bytes: int, *, new: bool) -> int:
    """Make a connection safe and bounded, and check its file; returns the number of rows."""
    # No shared memory beside the file: on a full disk, writing to it would kill the process.
    db.execute("pragma locking_mode = exclusive")
    db.execute(f"pragma page_size = {PAGE_BYTES}")
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("pragma cache_size = -1024")
    db.execute(f"pragma max_page_count = {max(max_bytes // PAGE_BYTES, 8)}")
    if not new:
        (pages,) = db.execute("pragma page_count").fetchone()
        check = db.execute("pragma quick_check(1)").fetchone()[0] if pages * PAGE_BYTES <= CHECKED_BYTES else "ok"
        if check != "ok":
            raise sqlite3.DatabaseError(check)
        (tables,) = db.execute("select count(*) from sqlite_master").fetchone()
        (form,) = db.execute("pragma user_version").fetchone()
        new = not tables  # a power cut came between the file and its first table
        if not new and form != FORMAT:
            raise sqlite3.DatabaseError(f"it has format {form}, this version of Arch-Stats reads format {FORMAT}")
    if new:
        db.execute(f"pragma user_version = {FORMAT}")
        db.execute(_SCHEMA)
    # Rows enter at one end and leave at the other, so their ids have no hole; a count would read the whole file.
    rows: int = db.execute("select coalesce(max(id) - min(id) + 1, 0) from spooled").fetchone()[0]
    return rows


def _code(fault: sqlite3.Error) -> int:
    """SQLite's extended result code; an error without one counts as damage."""
    return getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the contents of its files."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
