"""The number of a pseudo-terminal is used again: a link that a killed device left leads to no other device."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.errors import DeviceUnavailable
from drivers.transport.serial import open_port
from drivers.transport.terminal_owner import foreign_owner, last_link, serving_process
from simulators.wire.pty import PortHeld, PtyWire
from tests.drivers.serial_lines import FarEnd

DEVICE = """
import sys
from pathlib import Path
from simulators.wire.pty import PtyWire
wires = [PtyWire(Path(word)) for word in sys.argv[1:]]
print("ready", flush=True)
sys.stdin.read()
"""

LOGIN = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); print('ready', flush=True); input()"


@contextmanager
def device(*links: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that serves these links, and that nothing lets end in order."""
    with subprocess.Popen(
        [sys.executable, "-c", DEVICE, *map(str, links)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


async def test_a_link_with_a_reused_number_is_refused(tmp_path: Path) -> None:
    port, other = tmp_path / "bow-1", tmp_path / "bow-2"
    with device(other) as process:
        port.symlink_to(other.readlink())  # as a killed device left it, whose number bow-2 has now
        (tmp_path / "name").symlink_to("bow-2")
        assert serving_process(port) is None
        assert serving_process(other) == process.pid
        assert foreign_owner(tmp_path / "name") is None
        assert last_link(tmp_path / "name") == other
        assert foreign_owner(other.readlink()) is None, "no link that could be wrong"
        expected = rf"{port} leads to another simulated device \(process {process.pid}\)"
        with pytest.raises(DeviceUnavailable, match=expected):
            await open_port(str(port), device="bow-1", baud=115_200)
        line = await open_port(str(other), device="bow-2", baud=115_200)
        await line.close()


@pytest.mark.parametrize("is_swapped", [False, True])
def test_a_device_over_left_links_keeps_its_terminals(tmp_path: Path, is_swapped: bool) -> None:
    links = [tmp_path / "bow-1", tmp_path / "target-1"]
    with device(*links):
        pass  # killed: the next device gets the numbers that both links lead to
    with device(*(reversed(links) if is_swapped else links)) as process:
        assert [serving_process(link) for link in links] == [process.pid] * 2
        with pytest.raises(PortHeld) as raised:
            PtyWire(links[0])
    assert raised.value.pid == process.pid


@contextmanager
def login(link: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with a controlling terminal, which is linked at ``link``."""
    master, slave = os.openpty()
    link.symlink_to(os.ttyname(slave))
    with subprocess.Popen(
        [sys.executable, "-c", LOGIN], stdin=slave, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
    os.close(slave)
    os.close(master)


def test_a_link_of_other_software_is_kept(tmp_path: Path) -> None:
    """As socat makes one. A link that is older than the terminal is a killed program's, whose number was used again."""
    far = FarEnd(tmp_path / "bow-1")
    target = far.path.readlink()
    with subprocess.Popen([sys.executable, "-c", DEVICE, far.path], stderr=subprocess.PIPE, text=True) as process:
        _, complaint = process.communicate(timeout=30)
    assert "FileExistsError: [Errno 17] it leads to the terminal of another program" in complaint
    assert far.path.readlink() == target
    os.utime(far.path, ns=(0, 0), follow_symlinks=False)
    with device(far.path):
        assert far.path.readlink() != target
    far.hang_up()


async def test_the_terminal_of_a_login_is_refused(tmp_path: Path) -> None:
    with login(tmp_path / "bow-1") as process, pytest.raises(DeviceUnavailable) as raised:
        await open_port(str(tmp_path / "bow-1"), device="bow-1", baud=115_200)
    assert f"the terminal of a login (process {process.pid})" in raised.value.message


def test_links_of_other_software_count_as_right(tmp_path: Path) -> None:
    far = FarEnd(tmp_path / "bow-1")
    assert foreign_owner(far.path) is None
    assert serving_process(far.path) is None
    far.hang_up()
    assert foreign_owner(far.path) is None
    assert foreign_owner(Path("/dev/null")) is None
