"""Limits over raw sockets: heads that are too long, and bodies that never end, cost a connection and nothing more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from pytest_mock import MockerFixture
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.push.http import admission
from edge.push.http.admission import Admission
from edge.push.http.envelope import SECURITY_HEADERS
from edge.push.http.limits import LONGEST_HEAD, LONGEST_TARGET, MOST_HEADERS
from edge.push.http.protocol import HttpConnections
from edge.push.http.refusals import Cause, Refusals
from edge.push.http.server import Server, open_sockets, serve
from tests.edge.push.crowd import Held, hold
from tests.edge.push.serving import WITHIN_S, Service, http

HOST = b"Host: 127.0.0.1\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
)
LONG = b"x" * (LONGEST_TARGET + 1)
WIDE = b"X: " + b"y" * LONGEST_HEAD + b"\r\n"
MANY = b"".join(b"X-%d: y\r\n" % number for number in range(MOST_HEADERS))

HEADS = {
    "path": (b"GET /" + LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "query": (b"GET /api/v0/shot?id=" + LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "endless target": (b"GET /" + b"x" * (LONGEST_HEAD + 1), 414),
    "header": (b"GET /healthz HTTP/1.1\r\n" + HOST + WIDE + b"\r\n", 431),
    "endless header": (b"GET /healthz HTTP/1.1\r\n" + HOST + WIDE, 431),
    "headers": (b"GET /healthz HTTP/1.1\r\n" + HOST + MANY + b"\r\n", 431),
    "upgrade": (b"GET /api/v0/ws/shot HTTP/1.1\r\n" + HOST + UPGRADE + WIDE + b"\r\n", 431),
    "upgrade target": (b"GET /api/v0/ws/shot?since=" + LONG + b" HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n", 414),
}
CODES = {414: "target_too_long", 431: "headers_too_large"}


async def exchange(port: int, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes; returns status, headers and body of the answer."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        writer.transport.abort()
    return int(head[0].split()[1]), fields, body


async def test_a_head_beyond_the_limits_is_refused(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    for name, (sent, expected) in HEADS.items():
        status, fields, body = await exchange(service.port, sent)
        assert (name, status) == (name, expected)
        envelope = json.loads(body)
        assert (envelope["code"], envelope["data"]) == (expected, None)
        assert [error["code"] for error in envelope["errors"]] == [CODES[expected]]
        assert fields.items() >= SECURITY_HEADERS.items()
    assert caplog.records == [], "a client cannot fill the log"
    near = b"GET /healthz?x=" + b"y" * (LONGEST_TARGET - 20) + b" HTTP/1.1\r\n" + HOST
    near += b"X: " + b"y" * (LONGEST_HEAD - LONGEST_TARGET - 100) + b"\r\n\r\n"
    assert (await exchange(service.port, near))[0] == 200
    async with http(service) as client:
        refused = (await client.get("/healthz")).json()["checks"]["connections"]["refused"]
    assert refused[Cause.REJECTED] == len(HEADS)


async def test_no_page_may_be_framed_or_guessed(service: Service) -> None:
    async with http(service) as client:
        for path in ("/", "/healthz", "/metrics", "/api/v0/live", "/api/openapi.json", "/none", "/api/v0/shot?x=nan"):
            fields = (await client.get(path)).headers
            assert fields["x-frame-options"] == "DENY", path
            assert fields["x-content-type-options"] == "nosniff", path
            assert "frame-ancestors 'none'" in fields["content-security-policy"], path
            assert "unsafe" not in fields["content-security-policy"], path


CHANGE = b"POST /api/v0/archer HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


@pytest.mark.usefixtures("_impatient")
async def test_a_change_that_dribbles_or_leaves_changes_nothing(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await service.stop()
    service.start()
    await service.until_live()
    caplog.clear()
    leaving, dripping = await hold(service.port, CHANGE + b'Content-Length: 20\r\n\r\n{"name":', 2)
    leaving.close()
    feeding = asyncio.create_task(drip(dripping, 10))
    async with asyncio.timeout(WITHIN_S):
        assert (await dripping.ended()).startswith(b"HTTP/1.1 408 ")
    feeding.cancel()
    async with http(service) as client:
        assert (await client.get("/api/v0/archer")).json()["data"] == []
    dripping.close()
    assert caplog.records == []


@pytest.mark.parametrize("body", [b"x" * 65_537, b"x" * 1_000_000])
async def test_a_body_beyond_the_limit_is_refused(service: Service, body: bytes) -> None:
    sent = CHANGE + b"Content-Length: %d\r\n\r\n" % len(body) + body
    status, _, answered = await exchange(service.port, sent)
    assert (status, json.loads(answered)["errors"][0]["code"]) == (413, "body_too_large")


@dataclass
class Reading:
    """A service whose handler reads the body of each request, as those of changes do."""

    port: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        self.bodies.append(body)
        await Response(b"%d" % len(body))(scope, receive, send)


@asynccontextmanager
async def reading() -> AsyncIterator[Reading]:
    """Serve on a free port."""
    app, stop = Reading(), asyncio.Event()
    places = Admission(app.refusals, 0)
    server = Server(app, HttpConnections(places, app.refusals), HttpConnections(places, app.refusals), stop)
    (listening,) = await open_sockets("127.0.0.1", 0, stop)
    app.port = listening.getsockname()[1]
    running = asyncio.create_task(serve(server, [listening]))
    try:
        yield app
    finally:
        stop.set()
        await running
        places.close()
        app.refusals.close()


def post(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % length


async def drip(held: Held, count: int) -> None:
    """Send a byte again and again, each long before a deadline."""
    for _ in range(count):
        held.writer.write(b"x")
        await asyncio.sleep(0.05)


@pytest.fixture
def _impatient(mocker: MockerFixture) -> None:
    mocker.patch.object(admission, "SWEEP_S", 0.05)
    mocker.patch.object(admission, "REQUEST_WITHIN_S", 0.4)


@pytest.mark.usefixtures("_impatient")
async def test_a_body_that_dribbles_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async with reading() as app:
        silent, dripping, chunked = [
            *await hold(app.port, post(1000), 2),
            *await hold(app.port, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", 1),
        ]
        feeding = asyncio.create_task(drip(dripping, 100))
        async with asyncio.timeout(WITHIN_S):
            answers = await asyncio.gather(silent.ended(), dripping.ended(), chunked.ended())
        feeding.cancel()
        for answered in answers:
            head, _, body = answered.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert json.loads(body)["errors"][0]["code"] == "request_timeout"
        assert app.bodies == []
        assert app.refusals.counts[Cause.TOO_SLOW] == 3
    for one in (silent, dripping, chunked):
        one.close()
    assert caplog.records == []


@pytest.mark.usefixtures("_impatient")
async def test_a_body_in_time_is_read_and_the_connection_stays() -> None:
    async with reading() as app:
        (held,) = await hold(app.port, post(3) + b"ab", 1)
        held.writer.write(b"c")
        async with asyncio.timeout(WITHIN_S):
            assert await held.status() == 200
            await held.reader.readexactly(1)
            held.writer.write(post(2) + b"xy")
            assert await held.status() == 200
            await held.reader.readexactly(1)
            assert app.bodies == [b"abc", b"xy"]
            assert await held.ended() == b"", "silent since, and closed without a word"
        held.close()
        assert app.refusals.counts[Cause.TOO_SLOW] == 1


async def test_unfinished_bodies_give_way_to_new_clients(mocker: MockerFixture) -> None:
    mocker.patch.object(admission, "capacity", return_value=4)
    async with reading() as app:
        held = await hold(app.port, post(1000), 4)
        (fresh,) = await hold(app.port, post(1) + b"x", 1)
        async with asyncio.timeout(WITHIN_S):
            assert await fresh.status() == 200
            assert await held[0].ended() == b""
        for one in (*held, fresh):
            one.close()
