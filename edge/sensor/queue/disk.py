"""The file where reports wait while the database is away: a bounded queue, oldest first, each change fsynced.

The file is there only while something waits in it. Everything here blocks, and belongs into the one thread of
``edge.sensor.queue.durable``.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from drivers.contract import ClockModel
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import from_fields, to_fields

MOST_ROWS = 2_000_000
"""A device that senses once a second fills this in 23 days; the limit in bytes is mostly met before."""
PAGE_BYTES = 4096
CHECKED_BYTES = 512 << 20
"""A larger file is not read through when it is opened, which would take minutes; damage shows when it is drained."""
CLOCKS_AMONG = 20_000
"""Of this many newest rows the clocks are looked for."""
FORM = 1
"""What the rows look like; a file of another form is none of ours."""
DAMAGED_KEPT = 3
"""Damaged files that stay beside the spool."""
_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_PASSING |= {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM}
_UNREADABLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
_MEND_DATABASE = "bring the database back"
_Result = TypeVar("_Result")
_SCHEMA = """
create table if not exists spooled (
    id integer primary key autoincrement,
    since text not null,
    host_boot_id text not null,
    report text not null
) strict
"""


class SpoolRefused(Exception):
    """Nothing was written: no room, no right, another daemon. The text says why and what to do; it may pass later."""


class SpoolDamaged(Exception):
    """The file cannot be read and was moved aside; the text says where it is now. An empty one takes its place."""


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """The oldest reports, all of one boot of the host."""

    through: int
    """What :meth:`SpoolFile.drop` takes to forget exactly these."""
    host_boot_id: UUID
    reports: list[Storable]


@dataclass(frozen=True, slots=True)
class SpoolSize:
    """How much waits."""

    rows: int = 0
    bytes: int = 0
    """Of the files, which are a little larger than what they hold."""
    oldest_at: datetime | None = None
    """When the oldest came here."""


class SpoolFile:
    """The spool of one device. Its methods may raise SpoolRefused or SpoolDamaged, and can be called again then."""

    def __init__(self, folder: Path, device_id: str, max_bytes: int) -> None:
        self.path = folder / f"{device_id}.spool"
        self._lock_path = folder / f"{device_id}.lock"
        self._max_bytes = max_bytes
        self._lock: int | None = None
        self._db: sqlite3.Connection | None = None
        self._rows = 0
        self._done = 0
        """Everything up to this id is forgotten, also where a full disk leaves no room to write that down."""
        self._given = 0
        """The highest id that was ever handed out, see :meth:`oldest`."""

    def open_existing(self) -> list[ClockModel]:
        """Take the lock, and open what an earlier daemon left; creates no spool. Returns the newest clocks in it."""
        self._take_lock()
        return self._guarded(self._open_existing)

    def append(self, reports: Sequence[Storable], host_boot_id: UUID) -> SpoolSize:
        """Write all of them or none; durable when it returns."""
        self._take_lock()
        since = datetime.now(UTC).isoformat()
        lines = [(since, str(host_boot_id), json.dumps(to_fields(r), separators=(",", ":"))) for r in reports]
        self._guarded(lambda: self._append(lines))
        return self.size()

    def oldest(self, limit: int) -> SpooledBatch | None:
        """Up to ``limit`` of the oldest, which stay until :meth:`drop`; None when there is nothing."""
        return self._guarded(lambda: self._oldest(limit))

    def drop(self, through: int) -> SpoolSize:
        """Forget everything up to this one; the last one takes the file with it."""
        self._guarded(lambda: self._drop(through))
        return self.size()

    def size(self) -> SpoolSize:
        """How much waits, and since when."""
        return self._guarded(self._size)

    def close(self) -> None:
        """Let go of file and lock; what waits stays."""
        self._shut()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as fault:
            raise SpoolRefused(
                f"{self._lock_path} cannot be made ({fault.strerror}); correct ARCH_STATS_SPOOL_DIR or its rights"
            ) from fault
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(lock)
            raise SpoolRefused(
                f"another process holds {self._lock_path}; two daemons serve one device, stop one of them"
            ) from fault
        self._lock = lock

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            new = not self.path.exists()
            db = sqlite3.connect(self.path, timeout=0, isolation_level=None)
            try:
                self._rows = _prepare(db, self._max_bytes, new=new)
                if self._given and not self._rows:
                    # Whoever still holds rows of a file that was damaged meanwhile must drop none of its successor.
                    db.execute("delete from sqlite_sequence")
                    db.execute("insert into sqlite_sequence (name, seq) values ('spooled', ?)", (self._given,))
                if new:
                    _sync_folder(self.path.parent)
            except BaseException:
                db.close()
                if new:
                    self._unlink()
                raise
            self._db, self._done = db, 0
        return self._db

    def _open_existing(self) -> list[ClockModel]:
        if self._db is None and self.path.exists():
            self._opened()
            if not self._rows:
                self._remove()
        return self._clocks()

    def _append(self, lines: Sequence[tuple[str, str, str]]) -> None:
        db = self._opened()
        if self._rows + len(lines) > MOST_ROWS:
            raise SpoolRefused(f"the spool is full with {self._rows} readings ({self.path}); {_MEND_DATABASE}")
        db.execute("begin immediate")
        try:
            db.executemany("insert into spooled (since, host_boot_id, report) values (?, ?, ?)", lines)
            db.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled it back already
                db.execute("rollback")
            if not self._rows:
                self._remove()
            raise
        self._rows += len(lines)

    def _oldest(self, limit: int) -> SpooledBatch | None:
        if self._db is None:
            return None
        asked = "select id, host_boot_id, report from spooled where id > ? order by id limit ?"
        rows: list[tuple[int, str, str]] = self._db.execute(asked, (self._done, limit)).fetchall()
        if not rows:
            return None
        boot = rows[0][1]
        same = list(takewhile(lambda row: row[1] == boot, rows))
        self._given = max(self._given, same[-1][0])
        return SpooledBatch(same[-1][0], UUID(boot), [from_fields(json.loads(report)) for _, _, report in same])

    def _clocks(self) -> list[ClockModel]:
        if self._db is None:
            return []
        newest = 'select report from spooled where report like \'{"what":"clock"%\' order by id desc limit 16'
        clocks = (from_fields(json.loads(report)) for (report,) in self._db.execute(newest))
        return [clock for clock in clocks if isinstance(clock, ClockModel)]

    def _drop(self, through: int) -> None:
        if self._db is None:
            return
        between = "id > ? and id <= ?"
        count = f"select count(*) from spooled where {between}"  # noqa: S608 - no input in it
        (dropped,) = self._db.execute(count, (self._done, through)).fetchone()
        self._rows -= dropped
        self._done = through
        try:
            self._db.execute("delete from spooled where id <= ?", (through,))
        except sqlite3.OperationalError as fault:
            if _code(fault) & 0xFF not in _PASSING:
                raise
        if not self._rows:
            self._remove()

    def _size(self) -> SpoolSize:
        if self._db is None:
            return SpoolSize()
        asked = "select since from spooled where id > ? order by id limit 1"
        first = self._db.execute(asked, (self._done,)).fetchone()
        return SpoolSize(self._rows, self._used(), datetime.fromisoformat(first[0]) if first else None)

    def _guarded(self, work: Callable[[], _Result]) -> _Result:
        """Run it; what SQLite says in anger becomes one of the two exceptions of this file."""
        try:
            return work()
        except sqlite3.Error as fault:
            code = _code(fault)
            if code & 0xFF in _PASSING and code not in _UNREADABLE:
                raise SpoolRefused(self._refusal(code, fault)) from fault
            raise self._set_aside(fault) from fault
        except ValueError as fault:
            raise self._set_aside(fault) from fault
        except OSError as fault:
            raise SpoolRefused(f"{self.path} cannot be written ({fault}); check the disk and the rights") from fault

    def _refusal(self, code: int, fault: sqlite3.Error) -> str:
        if code & 0xFF != sqlite3.SQLITE_FULL:
            return f"{self.path} cannot be written ({fault}); check the disk and the rights"
        if self._used() >= self._max_bytes * 0.9:
            return (
                f"the spool is full with {self._rows} readings, {self._max_bytes >> 20} MB ({self.path}); "
                f"{_MEND_DATABASE}, or raise ARCH_STATS_SPOOL_MAX_MB"
            )
        return f"the disk of {self.path} is full; make room on it"

    def _set_aside(self, fault: Exception) -> SpoolDamaged:
        """Move the file out of the way, with the time in its name."""
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
    """Make a connection safe and bounded, and look its file over; returns how many rows are in it."""
    # Nothing is shared beside the file: a full disk would kill a process that writes to shared memory on it.
    db.execute("pragma locking_mode = exclusive")
    db.execute(f"pragma page_size = {PAGE_BYTES}")
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("pragma cache_size = -1024")
    db.execute(f"pragma max_page_count = {max(max_bytes // PAGE_BYTES, 8)}")
    if not new:
        (pages,) = db.execute("pragma page_count").fetchone()
        verdict = db.execute("pragma quick_check(1)").fetchone()[0] if pages * PAGE_BYTES <= CHECKED_BYTES else "ok"
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        (tables,) = db.execute("select count(*) from sqlite_master").fetchone()
        (form,) = db.execute("pragma user_version").fetchone()
        new = not tables  # a power cut came between the file and its first table
        if not new and form != FORM:
            raise sqlite3.DatabaseError(f"it is of form {form}, this version of Arch-Stats writes form {FORM}")
    if new:
        db.execute(f"pragma user_version = {FORM}")
        db.execute(_SCHEMA)
    # Rows come at one end and go at the other, so there is no hole between; counting would read the whole file.
    rows: int = db.execute("select coalesce(max(id) - min(id) + 1, 0) from spooled").fetchone()[0]
    return rows


def _code(fault: sqlite3.Error) -> int:
    """SQLite's extended result code; what is told without one is damage."""
    return getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)


def _sync_folder(folder: Path) -> None:
    """Make names in it as durable as what the files hold."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
