"""Files of the programs are private whatever the umask of the shell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.common.postgres.embedded.paths import prepare
from edge.common.private_files import make_folders, make_secret_file
from edge.sensor.queue.spooled import SpoolLock
from edge.simulation.processes import range_lock


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The umask of a careless shell: everybody may read and write everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def exposed(folder: Path) -> list[str]:
    """The entries beneath ``folder`` on which others than the owner have a right."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.stat().st_mode & 0o077]


@pytest.mark.usefixtures("open_umask")
def test_folders_are_private_with_all_their_parents(short_path: Path) -> None:
    prepare(short_path / "state/archstats/postgres")
    lock = SpoolLock(short_path / "state2/archstats/spool", "bow-1")
    lock.take()
    lock.release()
    with range_lock(short_path / "state3/postgres/logs"):
        pass
    assert exposed(short_path) == ["state3/postgres/logs/range.lock"], "a file in a private folder"


def test_existing_folder_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folders(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folders(tmp_path / "file")


@pytest.mark.usefixtures("open_umask")
def test_a_secret_is_private_random_and_kept(tmp_path: Path) -> None:
    one, other = tmp_path / "new" / "one", tmp_path / "other"
    make_secret_file(one)
    make_secret_file(other)
    assert exposed(tmp_path) == []
    first = one.read_text()
    assert (len(first.strip()), first.isascii()) == (43, True), "32 bytes"
    assert first != other.read_text()
    one.write_text("mine")
    one.chmod(0o640)
    make_secret_file(one)
    assert one.read_text() == "mine"
    assert exposed(tmp_path) == [], "others lost their rights"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new", "one", "other"]


@pytest.mark.parametrize("program", ["sensor", "shots", "push"])
def test_a_program_creates_private_files(program: str, tmp_path: Path) -> None:
    code = (
        "import sys, types; from edge.cli import programs; from pathlib import Path;"
        "programs.importlib.import_module = lambda name: types.SimpleNamespace(main=lambda: Path('made').touch());"
        f"programs.{program}()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, umask=0, check=True, timeout=60)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600
