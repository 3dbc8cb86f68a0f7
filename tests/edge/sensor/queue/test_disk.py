"""The spool's file: a queue that survives crashes, full disks and damage."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.sensor.queue import disk as disk_module
from edge.sensor.queue.disk import SpoolDamaged, SpoolFile, SpoolRefused
from edge.sensor.queue.inbox import Storable
from tests.edge.sensor.reports import any_report, clock, reading, start

MB = 1 << 20


@contextmanager
def spool(folder: Path, max_bytes: int = MB) -> Iterator[SpoolFile]:
    file = SpoolFile(folder, "bow-1", max_bytes)
    try:
        yield file
    finally:
        file.close()


def drained(file: SpoolFile, limit: int = 100) -> list[Storable]:
    """All reports of the file, which is empty afterwards."""
    found: list[Storable] = []
    while batch := file.oldest(limit):
        found += batch.reports
        file.drop(batch.through)
    return found


def test_rows_are_first_in_first_out_until_dropped(tmp_path: Path) -> None:
    with spool(tmp_path) as file:
        assert file.append([start(), clock(), reading(1)]).rows == 3
        size = file.append([reading(2)])
        assert size.rows == 4
        assert size.bytes > 0
        assert size.oldest_at is not None
        first = file.oldest(3)
        assert first is not None
        assert first.reports == [start(), clock(), reading(1)]
        assert file.oldest(3) == first
        assert file.drop(first.through).rows == 1
        assert drained(file) == [reading(2)]


def test_file_exists_only_while_it_has_rows(tmp_path: Path) -> None:
    with spool(tmp_path) as file:
        assert file.open_existing() == []
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bow-1.lock"]
        file.append([reading(1)])
        assert file.path.exists()
        drained(file)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bow-1.lock"]
        assert file.size().rows == 0


def test_next_daemon_finds_rows_and_newest_clocks(tmp_path: Path) -> None:
    with spool(tmp_path) as file:
        file.append([clock(ticks_us=1), reading(1), clock(ticks_us=2)])
    with spool(tmp_path) as file:
        assert file.open_existing() == [clock(ticks_us=2), clock(ticks_us=1)]
        assert file.size().rows == 3
        assert drained(file) == [clock(ticks_us=1), reading(1), clock(ticks_us=2)]


def test_clock_search_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with spool(tmp_path) as file:
        file.append([clock(ticks_us=1), *(reading(seq) for seq in range(9)), clock(ticks_us=2), reading(10)])
    monkeypatch.setattr(disk_module, "CLOCK_SEARCH_ROWS", 11)
    with spool(tmp_path) as file:
        assert file.open_existing() == [clock(ticks_us=2)], "the other one lies beyond the bound"
    monkeypatch.setattr(disk_module, "CLOCK_SEARCH_ROWS", 12)
    with spool(tmp_path) as file:
        assert file.open_existing() == [clock(ticks_us=2), clock(ticks_us=1)]


def test_two_daemons_never_share_a_file(tmp_path: Path) -> None:
    with spool(tmp_path) as first, spool(tmp_path) as second:
        first.append([reading(1)])
        with pytest.raises(SpoolRefused, match="two daemons serve one device"):
            second.append([reading(2)])
        with pytest.raises(SpoolRefused, match="two daemons serve one device"):
            second.open_existing()
        first.close()
        second.open_existing()
        assert drained(second) == [reading(1)]


@pytest.mark.parametrize("spoil", ["header", "middle", "row"])
def test_damaged_file_is_moved_aside(tmp_path: Path, spoil: str) -> None:
    with spool(tmp_path) as file:
        file.append([reading(seq) for seq in range(1, 500)])
        path = file.path
    if spoil == "row":
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("""update spooled set report = '{"kind":"clock"' where id = 3""")
        db.close()
    else:
        with path.open("r+b") as handle:
            handle.seek(0 if spoil == "header" else path.stat().st_size // 2)
            handle.write(b"\xa5" * 6000)
    with spool(tmp_path) as file:
        with pytest.raises(SpoolDamaged, match=r"bow-1\.spool\.damaged-20\d{6}T"):
            file.open_existing()
        assert file.open_existing() == []
        file.append([reading(500)])
        assert drained(file) == [reading(500)]
    assert len(list(tmp_path.glob("bow-1.spool.damaged-*Z"))) == 1


def test_damage_found_while_draining_is_moved_aside(tmp_path: Path) -> None:
    with spool(tmp_path, 16 * MB) as file:
        file.append([reading(seq) for seq in range(1, 20_000)])  # more than its cache holds
        with file.path.open("r+b") as handle:
            handle.seek(2 * MB)
            handle.write(b"\xa5" * MB)
        with pytest.raises(SpoolDamaged):
            drained(file, 1000)
        assert file.size().rows == 0
        file.append([reading(1)])
        assert drained(file) == [reading(1)]


def test_batch_of_a_damaged_file_drops_nothing_of_the_next(tmp_path: Path) -> None:
    with spool(tmp_path) as file:
        file.append([reading(seq) for seq in range(1, 500)])
        batch = file.oldest(400)  # being written to the database
        assert batch is not None
        file.close()
        with file.path.open("r+b") as handle:
            handle.write(b"\xa5" * 6000)
        with pytest.raises(SpoolDamaged):
            file.append([reading(500)])
        file.append([reading(500), reading(501)])
        assert file.drop(batch.through).rows == 2
        assert drained(file) == [reading(500), reading(501)]


def test_only_the_newest_damaged_files_are_kept(tmp_path: Path) -> None:
    with spool(tmp_path) as file:
        for number in range(5):
            file.path.write_bytes(b"not a database " * 100 + bytes([number]))
            with pytest.raises(SpoolDamaged):
                file.open_existing()
    kept = sorted(tmp_path.glob("bow-1.spool.damaged-*"))
    assert [path.read_bytes()[-1] for path in kept] == [2, 3, 4]


def test_file_of_another_format_is_moved_aside(tmp_path: Path) -> None:
    with spool(tmp_path) as file:
        file.append([reading(1)])
    db = sqlite3.connect(tmp_path / "bow-1.spool", isolation_level=None)
    db.execute("pragma user_version = 99")
    db.close()
    with spool(tmp_path) as file, pytest.raises(SpoolDamaged, match="format 99"):
        file.open_existing()


def fill(file: SpoolFile, batch: int = 50) -> list[Storable]:
    """Append until the spool refuses; returns its reports."""
    kept: list[Storable] = []
    for first in range(1, 1_000_000, batch):
        reports: list[Storable] = [reading(seq) for seq in range(first, first + batch)]
        try:
            file.append(reports)
        except SpoolRefused:
            return kept
        kept += reports
    raise AssertionError("it has no bound")


def test_full_spool_refuses_and_accepts_again_after_a_drop(tmp_path: Path) -> None:
    with spool(tmp_path, MB) as file:
        kept = fill(file)
        assert len(kept) > 1000
        with pytest.raises(SpoolRefused, match=r"the spool is full .* raise ARCH_STATS_SPOOL_MAX_MB"):
            file.append([reading(seq) for seq in range(50)])
        assert file.size().rows == len(kept)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 6 * MB  # with the log, which has its own bound
        batch = file.oldest(500)
        assert batch is not None
        file.drop(batch.through)
        file.append([reading(1)])
        assert drained(file, 1000) == [*kept[500:], reading(1)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"a small disk is needed, and mounting one failed: {mounted.stderr!r}")
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill_disk(path: Path) -> None:
    """Fill the disk of a file to its last byte."""
    with path.open("ab", buffering=0) as handle, suppress(OSError):
        while True:
            handle.write(b"\0" * 512)


def test_full_disk_refuses_and_still_returns_every_row(small_disk: Path) -> None:
    with spool(small_disk, 64 * MB) as file:
        kept = fill(file)
        with pytest.raises(SpoolRefused, match=r"the disk of .* is full"):
            file.append([reading(seq) for seq in range(50)])
    with spool(small_disk, 64 * MB) as file:
        file.open_existing()
        fill_disk(small_disk / "filler")  # nothing can be deleted in place
        assert drained(file, 100) == kept
        assert not file.path.exists(), "a drained file is removed, also on a full disk"
        fill_disk(small_disk / "filler")
        with pytest.raises(SpoolRefused, match=r"the disk of|cannot be written"):
            file.append([reading(1)])
        (small_disk / "filler").unlink()
        file.append([reading(1)])
        assert drained(file) == [reading(1)]


def test_limit_on_file_size_refuses(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with spool(tmp_path, 64 * MB) as file:
        file.append([reading(1)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (MB // 2, before[1]))
        try:
            kept = fill(file)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        file.append([reading(2)])
        assert drained(file) == [reading(1), *kept, reading(2)]


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        spool(tmp_path / "file" / "spool") as file,
        pytest.raises(SpoolRefused, match="correct ARCH_STATS_SPOOL_DIR or its permissions"),
    ):
        file.append([reading(1)])


def test_file_that_cannot_be_removed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with spool(tmp_path) as file:
        file.append([reading(1)])
        batch = file.oldest(10)
        assert batch is not None
        with monkeypatch.context() as disk:

            def refuse(path: Path, missing_ok: bool = False) -> None:  # noqa: ARG001
                raise OSError(errno.EROFS, "Read-only file system")

            disk.setattr(Path, "unlink", refuse)
            with pytest.raises(SpoolRefused, match="Read-only file system"):
                file.drop(batch.through)
        assert file.size().rows == 0
        file.append([reading(2)])
        assert drained(file) == [reading(2)]


KILLED = """
import sys
from pathlib import Path
from edge.sensor.queue.disk import SpoolFile
from tests.edge.sensor.reports import reading
file = SpoolFile(Path(sys.argv[1]), "bow-1", 1 << 26)
for seq in range(1, 1_000_000):
    file.append([reading(seq)])
    print(seq, flush=True)
"""


def test_appended_rows_survive_sigkill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = 0
    while printed < 200:
        printed = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    for line in process.communicate()[0].splitlines():
        printed = int(line)
    with spool(tmp_path) as file:
        file.open_existing()
        found = drained(file)
    assert found[:printed] == [reading(seq) for seq in range(1, printed + 1)]
    assert len(found) <= printed + 1


class AgainstAQueue(RuleBasedStateMachine):
    """The file equals a list in memory after any sequence of operations, restarts and power cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.lives = 0
        self.model: deque[Storable] = deque()
        self.file = self.new_life()

    def new_life(self) -> SpoolFile:
        self.folder = self.home / str(self.lives)
        return SpoolFile(self.folder, "bow-1", 8 * MB)

    @rule(reports=st.lists(any_report, min_size=1, max_size=8))
    def append(self, reports: list[Storable]) -> None:
        self.file.append(reports)
        self.model += reports

    @rule(limit=st.integers(1, 12), forget=st.booleans())
    def read(self, limit: int, forget: bool) -> None:
        batch = self.file.oldest(limit)
        expected = list(self.model)[:limit]
        assert (batch.reports if batch else []) == expected
        if batch is not None and forget:
            self.file.drop(batch.through)
            for _ in expected:
                self.model.popleft()

    @rule()
    def restart(self) -> None:
        self.file.close()
        self.file = SpoolFile(self.folder, "bow-1", 8 * MB)
        self.file.open_existing()

    @precondition(lambda self: self.model)
    @rule()
    def power_cut(self) -> None:
        """Only the bytes on the disk at this moment survive."""
        before, old = self.folder, self.file
        self.lives += 1
        self.file = self.new_life()
        shutil.copytree(before, self.folder)
        old.close()
        self.file.open_existing()

    @invariant()
    def has_as_many_rows_as_the_model(self) -> None:
        assert self.file.size().rows == len(self.model)
        assert self.file.path.exists() == bool(self.model)

    def teardown(self) -> None:
        self.file.close()
        shutil.rmtree(self.home)


AgainstAQueue.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestAgainstAQueue = AgainstAQueue.TestCase


def test_each_change_and_the_file_name_are_fsynced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders, fsync = list[int](), os.fsync

    def recorded(handle: int) -> None:
        folders.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    file = SpoolFile(tmp_path, "bow-1", 1 << 24)
    file.append([reading(1)])
    try:
        assert file._db is not None
        assert file._db.execute("pragma synchronous").fetchone() == (2,), "full: the log is fsynced at each commit"
        assert tmp_path.stat().st_ino in folders
    finally:
        file.close()
