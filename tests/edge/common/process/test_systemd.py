"""Notifications to systemd's socket, and listening sockets inherited from it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.common.process.systemd import Notifier, credential_file, inherited_sockets


@pytest.fixture
def manager(short_path: Path) -> Iterator[socket.socket]:
    """A socket that receives notifications, as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(short_path / "notify"))
        listening.settimeout(20)
        yield listening


def test_assignments_go_in_one_datagram_one_a_line(manager: socket.socket) -> None:
    Notifier(manager.getsockname()).notify("READY=1", "STATUS=reading bow-1\nand more")
    assert manager.recv(1024) == b"READY=1\nSTATUS=reading bow-1 and more"


def test_an_abstract_address_works_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0archstats-test-{os.getpid()}")
        listening.settimeout(20)
        Notifier(f"@archstats-test-{os.getpid()}").notify("WATCHDOG=1")
        assert listening.recv(64) == b"WATCHDOG=1"


def test_without_systemd_nothing_is_sent() -> None:
    Notifier.of({}, 1).notify("READY=1")
    assert Notifier.of({}, 1).watchdog_s is None


def test_a_manager_that_does_not_read_costs_no_waiting(manager: socket.socket) -> None:
    notifier = Notifier(manager.getsockname())

    def flood() -> None:
        for _ in range(100_000):
            notifier.notify("WATCHDOG=1")

    with pytest.raises(BlockingIOError):
        flood()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "77"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_ours_only_when_it_names_us(environ: dict[str, str], expected: float | None) -> None:
    assert Notifier.of(environ, 77).watchdog_s == expected


def test_sockets_for_another_process_are_left_alone() -> None:
    assert inherited_sockets({"LISTEN_PID": "78", "LISTEN_FDS": "1"}, 77) == []
    assert inherited_sockets({"LISTEN_FDS": "1"}, 77) == []
    assert inherited_sockets({"LISTEN_PID": "77", "LISTEN_FDS": "none"}, 77) == []


CHILD = """
import os
from edge.common.process.systemd import inherited_sockets
[listening] = inherited_sockets({**os.environ, "LISTEN_PID": str(os.getpid())}, os.getpid())
print(listening.getsockname()[1], listening.get_inheritable())
listening.accept()[0].sendall(b"served")
"""


def test_an_inherited_socket_serves() -> None:
    """Like systemd: the listening socket is file descriptor 3 of the new process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        number = os.dup(listening.fileno())
        try:
            child = subprocess.Popen(
                ["bash", "-c", f'exec 3<&{number}; exec "$0" -c "$1"', sys.executable, CHILD],
                env={**os.environ, "LISTEN_FDS": "1"},
                pass_fds=[number],
                stdout=subprocess.PIPE,
                text=True,
            )
        finally:
            os.close(number)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            assert client.recv(64) == b"served"
        assert child.communicate(timeout=20)[0].split() == [str(port), "False"]


def test_a_credential_is_found_unless_it_is_blank(tmp_path: Path) -> None:
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert credential_file({}, "operator-token") is None
    assert credential_file(given, "operator-token") is None
    (tmp_path / "operator-token").write_text("\n")
    assert credential_file(given, "operator-token") is None
    (tmp_path / "operator-token").write_text("secret\n")
    assert credential_file(given, "operator-token") == tmp_path / "operator-token"
