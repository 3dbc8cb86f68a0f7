"""The pseudo-terminal of a simulated device."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from simulators.wire.pty import MAX_BUFFERED, UNREAD_S, PtyWire
from tests.test_project import ROOT

DEADLINE_S = 30.0


def read_all(fd: int, wanted: int, timeout_s: float = 20.0) -> bytes:
    data = b""
    while len(data) < wanted and select.select([fd], [], [], timeout_s)[0]:
        data += os.read(fd, 65536)
    return data


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_bytes_pass_unchanged_both_ways(tmp_path: Path) -> None:
    wire = PtyWire(tmp_path / "bow-1")
    port = os.open(tmp_path / "bow-1", os.O_RDWR | os.O_NOCTTY)
    every = bytes(range(256))
    wire.write(every)
    os.write(port, every)
    assert read_all(port, 256) == every
    received = b""
    while len(received) < 256 and select.select([wire.fileno()], [], [], 20.0)[0]:
        received += wire.read()
    assert received == every
    assert wire.read() == b""
    os.close(port)
    wire.close()


def test_port_can_be_reopened_after_the_last_reader(tmp_path: Path) -> None:
    wire = PtyWire(tmp_path / "bow-1")
    for _ in range(3):
        port = os.open(wire.link, os.O_RDWR | os.O_NOCTTY)
        wire.write(b"hello")
        assert read_all(port, 5) == b"hello"
        os.close(port)
        assert wire.read() == b""
    wire.close()


def test_unread_port_never_blocks_and_memory_is_bounded(tmp_path: Path) -> None:
    wire = PtyWire(tmp_path / "bow-1")
    for _ in range(2000):
        wire.write(b"x" * 100)
    assert wire.dropped > 0
    assert 0 < len(wire._buffer) <= MAX_BUFFERED
    port = os.open(wire.link, os.O_RDWR | os.O_NOCTTY)
    kept = (2000 - wire.dropped) * 100  # frames are dropped whole
    taken = 0
    while wire.has_buffered:
        taken += len(read_all(port, 1))
        wire.flush()
    taken += len(read_all(port, kept - taken))  # the kernel delivers asynchronously
    assert taken == kept
    assert read_all(port, 1, timeout_s=0.05) == b""
    os.close(port)
    wire.close()


def test_late_reader_receives_no_old_frames(tmp_path: Path) -> None:
    now = 0.0
    wire = PtyWire(tmp_path / "bow-1", clock=lambda: now)
    for n in range(1000):
        now = n * 0.1
        wire.write(b"%099d\n" % n)
        # The kernel delivers bytes asynchronously, and this clock runs ahead: wait for the delivery.
        assert select.select([wire._slave], [], [], 20.0)[0]
    port = os.open(wire.link, os.O_RDWR | os.O_NOCTTY)
    data = b""
    while not data.endswith(b"%099d\n" % 999):
        data += (more := read_all(port, 1))
        assert more, "the last line never arrived"
    received = data.split()
    assert len(received) <= UNREAD_S / 0.1 + 2
    os.close(port)
    wire.close()


def test_reader_that_keeps_up_loses_nothing(tmp_path: Path) -> None:
    now = 0.0
    wire = PtyWire(tmp_path / "bow-1", clock=lambda: now)
    port = os.open(wire.link, os.O_RDWR | os.O_NOCTTY)
    for n in range(100):
        now = n * 1.5
        wire.write(b"%099d\n" % n)
        assert int(read_all(port, 100)) == n
    os.close(port)
    wire.close()


def test_closing_hangs_up_and_removes_the_symlink(tmp_path: Path) -> None:
    wire = PtyWire(tmp_path / "bow-1")
    port = os.open(wire.link, os.O_RDWR | os.O_NOCTTY)
    wire.close()
    wire.close()
    assert list(tmp_path.iterdir()) == []
    assert os.read(port, 1) == b""
    with pytest.raises(termios.error):
        termios.tcgetattr(port)
    os.close(port)


def test_new_wire_replaces_the_symlink_and_the_old_one_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "bow-1").symlink_to("/dev/pts/none")
    old = PtyWire(tmp_path / "bow-1")
    new = PtyWire(tmp_path / "bow-1")
    old.close()
    port = os.open(tmp_path / "bow-1", os.O_RDWR | os.O_NOCTTY)
    new.write(b"new")
    assert read_all(port, 3) == b"new"
    os.close(port)
    new.close()
    assert list(tmp_path.iterdir()) == []


RIVALS = """
import os, sys
from pathlib import Path
from simulators.wire.pty import PortHeld, PtyWire

start, shot = os.pipe()
end, whistle = os.pipe()
for _ in range(4):
    if os.fork() == 0:
        os.close(shot)
        os.close(whistle)
        os.read(start, 1)  # the end of the pipe, for all at once
        try:
            wire = PtyWire(Path(sys.argv[1]))
        except PortHeld as held:
            os.write(1, b"refused by %d\\n" % held.pid)  # whole lines: the others write too
        else:
            os.write(1, b"took %d\\n" % os.getpid())
            os.read(end, 1)
            wire.close()
        os._exit(0)
os.close(shot)
for _ in range(3):
    os.wait()
os.write(1, b"three ended\\n")
sys.stdin.readline()
os.close(whistle)
os.wait()
"""
"""Four processes that take one link together. The one that got it closes it after a line of input."""


def test_of_processes_that_take_one_link_together_one_gets_it(tmp_path: Path) -> None:
    """The others name it, and leave its link alone when they end."""
    words = [sys.executable, "-c", RIVALS, str(tmp_path / "bow-1")]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rivals:
        try:
            assert rivals.stdout is not None
            assert select.select([rivals.stdout], [], [], DEADLINE_S)[0], "the processes said nothing"
            said = [rivals.stdout.readline().strip() for _ in range(5)]
            (winner,) = [line.removeprefix("took ") for line in said if line.startswith("took ")]
            assert sorted(said) == [*[f"refused by {winner}"] * 3, "three ended", f"took {winner}"]
            os.close(os.open(tmp_path / "bow-1", os.O_RDWR | os.O_NOCTTY))
            assert [path.name for path in tmp_path.iterdir()] == ["bow-1"]
            rivals.communicate("\n", timeout=DEADLINE_S)
            assert (rivals.returncode, list(tmp_path.iterdir())) == (0, [])
        finally:
            rivals.kill()


@pytest.mark.parametrize("target", ["/nowhere", "/dev/ttyUSB0", "."])
def test_a_link_to_anything_but_a_terminal_is_kept(tmp_path: Path, target: str) -> None:
    (tmp_path / "bow-1").symlink_to(target)
    with pytest.raises(FileExistsError):
        PtyWire(tmp_path / "bow-1")
    assert [(path.name, str(path.readlink())) for path in tmp_path.iterdir()] == [("bow-1", target)]


def test_a_locked_folder_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.wire.pty.LOCKED_WITHIN_S", 0.05)
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(TimeoutError):
        PtyWire(tmp_path / "bow-1")
    os.close(folder)
    assert list(tmp_path.iterdir()) == []


def test_failed_symlink_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        PtyWire(tmp_path / "missing" / "bow-1")
    assert open_descriptors() == before
