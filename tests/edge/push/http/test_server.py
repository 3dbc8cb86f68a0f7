"""Whether other machines can connect is read from the socket itself."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.push.http.addresses import is_loopback, shown


def bound(family: socket.AddressFamily, address: str) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.bind((address, 0))
    except OSError:
        listening.close()
        pytest.skip(f"this machine has no address {address}")
    return listening


@pytest.mark.parametrize(
    ("family", "address", "expected"),
    [
        (socket.AF_INET, "127.0.0.1", True),
        (socket.AF_INET, "127.8.9.1", True),
        (socket.AF_INET, "0.0.0.0", False),  # noqa: S104 - the address to be told apart
        (socket.AF_INET6, "::1", True),
        (socket.AF_INET6, "::ffff:127.0.0.1", True),
        (socket.AF_INET6, "::", False),
    ],
)
def test_what_counts_as_this_machine(family: socket.AddressFamily, address: str, expected: bool) -> None:
    with bound(family, address) as listening:
        assert is_loopback([listening]) is expected
        assert shown(listening).startswith("http://")


def test_one_open_socket_is_enough_to_be_open(short_path: Path) -> None:
    with (
        bound(socket.AF_INET, "127.0.0.1") as local,
        bound(socket.AF_INET, "0.0.0.0") as everybody,  # noqa: S104 - the address to be told apart
        socket.socket(socket.AF_UNIX) as file,
    ):
        file.bind(str(short_path / "s"))
        assert is_loopback([local, file])
        assert shown(file) == str(short_path / "s")
        assert not is_loopback([local, everybody, file])
