"""The spool's file under faults: damage, full disks, missing permissions."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edge.sensor.queue.disk import SpoolFile
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.spooled import SpoolDamaged, SpoolRefused
from tests.edge.sensor.queue.spools import MB, drained, spool
from tests.edge.sensor.reports import reading


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
def small_disk(short_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, which is unmounted also after an interrupted run."""
    folder = short_path / "disk"
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
