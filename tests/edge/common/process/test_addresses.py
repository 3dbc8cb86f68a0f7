"""Addresses of a service as people type them into a browser."""

from __future__ import annotations

import socket

import pytest

from edge.common.process import addresses
from edge.common.process.addresses import page_urls

EVERY, EVERY_6 = "0.0.0.0", "::"  # noqa: S104 - nothing is opened


@pytest.mark.parametrize(
    ("host", "urls"),
    [
        ("127.0.0.1", ["http://127.0.0.1:8000/"]),
        ("192.168.1.20", ["http://192.168.1.20:8000/"]),
        ("range.local", ["http://range.local:8000/"]),
        ("::1", ["http://[::1]:8000/"]),
        ("[fd00::1]", ["http://[fd00::1]:8000/"]),
    ],
)
def test_address_of_one_host_stays(host: str, urls: list[str]) -> None:
    assert page_urls(host, 8000) == urls


@pytest.mark.parametrize(("host", "loopback"), [(EVERY, "http://127.0.0.1:80/"), (EVERY_6, "http://[::1]:80/")])
def test_every_address_is_shown_as_one_that_a_phone_can_open(host: str, loopback: str) -> None:
    *others, last = page_urls(host, 80)
    assert last == loopback
    assert others
    assert not {f"http://{EVERY}:80/", f"http://[{EVERY_6}]:80/", loopback} & set(others)


def test_hub_without_a_route_shows_its_interfaces() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        assert "127.0.0.1" in addresses._of_interfaces(probe)


def test_sandboxed_service_shows_its_machines_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("edge.common.process.addresses.socket.socket", refuse)
    assert page_urls(EVERY, 8000) == [f"http://{socket.gethostname()}:8000/", "http://127.0.0.1:8000/"]
