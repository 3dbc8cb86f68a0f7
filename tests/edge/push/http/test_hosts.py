"""Only this machine's names are served: a site whose name leads here reads nothing."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from edge.push.http.envelope import RequestRejected
from edge.push.http.hosts import RENEWED_AFTER_S, HostNames, host_name, own_names
from edge.push.http.refusals import Cause, Refusals
from tests.edge.push.crowd import answer
from tests.edge.push.serving import Service, http


def names(*configured: str) -> HostNames:
    return HostNames(configured, lambda: {"hub", "hub.local"}, Refusals())


@pytest.mark.parametrize(
    "host",
    [
        None, "127.0.0.1", "127.0.0.1:8000", "192.168.1.20:8621", "[::1]:8000", "[fe80::1]", "localhost:8000", "LOCALHOST",
        "hub", "hub.local:8621", "Hub.Local.", "hub.local.:80", "range.club.example",
    ],
)  # fmt: skip
def test_own_names_and_addresses_are_served(host: str | None) -> None:
    names("Range.club.example").check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8000", "hub.evil.example", "evilhub", "127.0.0.1.evil.example", "localhost.evil.example",
        "hub.local@evil.example", "[evil.example]", "xhub.local", "127.1", ":8000", "hub.local evil.example", "a:b:c",
    ],
)  # fmt: skip
async def test_other_names_are_rejected(host: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        names().check_host(host)
    assert (rejected.value.status, rejected.value.errors[0].code) == (421, "unknown_host")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "hub"),
        ("http://hub", "hub"),
        ("http://HUB:8000", "hub:8000"),
        ("http://192.168.1.20:8621", "192.168.1.20:8621"),
        ("https://range.club.example", "127.0.0.1:8000"),  # a proxy that names the address it connects to
    ],
)
def test_own_pages_may_read_the_stream(origin: str | None, host: str) -> None:
    names("range.club.example").check_origin(origin, host)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://6.6.6.6", "http://hub.local:3000", "null", "", "http://[", "file://", "hub"],
)
async def test_other_pages_may_not(origin: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        names("range.club.example").check_origin(origin, "hub.local:8000")
    assert (rejected.value.status, rejected.value.errors[0].code) == (403, "other_origin")


def test_names_of_this_machine_include_its_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Hub.club.example")
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# comment\nnameserver 192.168.1.1\nsearch fritz.box Lan.\n")
    assert own_names(resolver) == {"hub", "hub.club.example", "hub.local", "hub.fritz.box", "hub.lan"}
    assert own_names(tmp_path / "none") == {"hub", "hub.club.example", "hub.local"}


async def test_a_domain_that_the_network_gives_later_is_served() -> None:
    now, own = 0.0, {"hub"}
    known = HostNames((), lambda: own, Refusals(), clock=lambda: now)
    own = {"hub", "hub.fritz.box"}
    with pytest.raises(RequestRejected):
        known.check_host("hub.fritz.box:8000")
    now = RENEWED_AFTER_S
    known.check_host("hub.fritz.box:8000")


def test_a_configured_name_may_end_with_a_dot() -> None:
    known = names("range.club.example.")
    known.check_host("range.club.example")
    known.check_origin("https://range.club.example", "127.0.0.1:8000")


def test_host_names_are_taken_out_of_the_header() -> None:
    assert [host_name(host) for host in ("[::1]:80", "A.b:1", "a.b.", "::1", "[::1")] == [
        "::1",
        "a.b",
        "a.b",
        ":",
        "::1",
    ]


async def test_a_rebound_name_reads_nothing(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    for path, more in (
        ("/", ""), ("/healthz", ""), ("/api/v0/live", ""), ("/api/v0/events", ""),
        ("/api/v0/ws/shot", f"{upgrade}Origin: http://evil.example\r\n"),
    ):  # fmt: skip
        head = f"GET {path} HTTP/1.1\r\nHost: evil.example\r\n{more}\r\n"
        status, body = await answer(service.port, head.encode())
        assert (status, b'"unknown_host"' in body) == (421, True), path
    assert len(caplog.records) == 1
    assert "'evil.example'" in caplog.text


async def test_writes_of_other_pages_are_rejected(service: Service) -> None:
    async with http(service) as client:
        assert (await client.post("/api/v0/session", headers={"origin": "http://evil.example"})).status_code == 403
        assert (await client.post("/api/v0/session", headers={"origin": service.url})).status_code == 415
        assert (await client.get("/api/v0/session", headers={"origin": "http://evil.example"})).status_code == 200


def test_a_remembered_host_costs_one_look_up() -> None:
    known = names()
    for number in range(1000):
        known.check_host(f"127.0.0.1:{number}")
    assert len(known._accepted) <= 64


async def test_counts_are_kept_by_cause() -> None:
    refusals = Refusals()
    known = HostNames((), set, refusals)
    with pytest.raises(RequestRejected):
        known.check_host("evil.example")
    assert refusals.counts[Cause.UNKNOWN_HOST] == 1
    refusals.close()
    await asyncio.sleep(0)
