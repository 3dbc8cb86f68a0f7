"""The reach of the server is read from its sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.push.http.server import describe_address, is_loopback


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
        (socket.AF_INET, "0.0.0.0", False),  # noqa: S104 - the address under test
        (socket.AF_INET6, "::1", True),
        (socket.AF_INET6, "::ffff:127.0.0.1", True),
        (socket.AF_INET6, "::", False),
    ],
)
def test_loopback_addresses_are_recognised(family: socket.AddressFamily, address: str, expected: bool) -> None:
    with bound(family, address) as listening:
        assert is_loopback([listening]) is expected
        shown = describe_address(listening)
        assert shown.startswith("http://")
        assert not {"http://0.0.0.0", "http://[::]"} & {part.rpartition(":")[0] for part in shown.split()}


def test_a_single_public_socket_is_not_loopback(short_path: Path) -> None:
    with (
        bound(socket.AF_INET, "127.0.0.1") as local,
        bound(socket.AF_INET, "0.0.0.0") as public,  # noqa: S104 - the address under test
        socket.socket(socket.AF_UNIX) as file,
    ):
        file.bind(str(short_path / "s"))
        assert is_loopback([local, file])
        assert describe_address(file) == str(short_path / "s")
        assert not is_loopback([local, public, file])
