"""The spool's file: a queue that survives crashes, full disks and damage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.sensor.queue import disk as disk_module
from edge.sensor.queue.disk import SpoolFile
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.spooled import SpoolRefused
from tests.edge.sensor.queue.spools import MB, drained, spool
from tests.edge.sensor.reports import any_report, clock, reading, start


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
