"""Lock files of the embedded PostgreSQL: a stale or unreadable one goes away, that of a living server never."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.common.config.errors import ConfigError
from edge.common.postgres.embedded import cluster as embedded
from edge.common.postgres.embedded.cluster import EmbeddedPostgres, PostgresStartError
from edge.common.postgres.embedded.lock_files import holder, remove_stale, servers, working_processes
from edge.common.postgres.embedded.paths import SOCKET
from tests.postgres import copy_fresh_cluster, short_folder

UNREADABLE = {
    "empty": b"",
    "zeros": b"\0" * 60,
    "half a number": b"12x\n/data\n",
    "bytes": b"\xff\xfe\x80\n",
    "zero": b"0\n",
    "no number of a process": b"99999999999999999999\n",
    "a line first": b"\n123\n",
}


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder with a cluster that is not running; its servers are killed if the test fails."""
    folder = short_folder()
    copy_fresh_cluster(folder)
    yield folder
    for pid in servers(folder / "data"):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_file_is_removed(content: bytes, tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_bytes(content)
    assert holder(lock) is None
    remove_stale(lock, tmp_path)
    assert not lock.exists()


def test_only_a_number_of_another_process_is_stale(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    for other in (os.getpid(), 1, -os.getpid()):
        lock.write_text(f"{other}\n")
        remove_stale(lock, tmp_path)
        assert not lock.exists()
    lock.write_text("4194304\n")  # no process: PostgreSQL looks for the children of that server, then removes the file
    remove_stale(lock, tmp_path)
    assert lock.exists()
    with pytest.raises(IsADirectoryError):
        remove_stale(tmp_path, tmp_path)


def test_a_server_starts_over_the_files_of_a_power_failure(base: Path, cluster: EmbeddedPostgres) -> None:
    server = EmbeddedPostgres(base)
    server.socket_dir.mkdir(mode=0o700)
    (base / "data" / "postmaster.pid").write_bytes(b"")
    (server.socket_dir / f"{SOCKET}.lock").write_bytes(b"\0" * 40)
    server.start()
    (first,) = servers(base / "data")
    assert server.stop()
    assert working_processes(base / "data") == []

    (other,) = servers(cluster.base_dir / "data")
    assert other != first
    (base / "data" / "postmaster.pid").write_text(f"{other}\n{base}/data\n")
    server.start()
    assert holder(base / "data" / "postmaster.pid") in servers(base / "data")
    assert server.stop()
    assert servers(cluster.base_dir / "data") == [other]


def test_a_living_server_keeps_its_files_and_is_named(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ORPHANS_WAIT_S", 0.2)
    server, second = EmbeddedPostgres(base), EmbeddedPostgres(base)
    server.start()
    (pid,) = servers(base / "data")
    lock = base / "data" / "postmaster.pid"
    lock.write_bytes(b"")
    (server.socket_dir / SOCKET).unlink()  # as a cleaner of /tmp does: the server no longer answers
    with pytest.raises(PostgresStartError, match=rf"end process .*\b{pid}\b.* keeps {lock}"):
        second.start()
    assert lock.exists()
    assert servers(base / "data") == [pid]
    assert server.stop(), "found by its folder, not by the number in its lock file"
    assert working_processes(base / "data") == []


def test_files_that_cannot_be_used_are_named(base: Path) -> None:
    lock = base / "data" / "postmaster.pid"
    lock.mkdir()
    with pytest.raises(PostgresStartError, match=f"the lock file {lock} .* cannot be used .*; remove it"):
        EmbeddedPostgres(base).start()
    lock.rmdir()
    (base / "data" / "PG_VERSION").write_bytes(b"")
    with pytest.raises(ConfigError, match=f"{base}/data/PG_VERSION holds no number"):
        EmbeddedPostgres(base).start()
