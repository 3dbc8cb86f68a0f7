"""Clients in numbers: streams that come and go, silent and half-open connections, and odd requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress

OPEN_WITHIN_S = 30.0
"""Time for a connection and its answer in a crowd."""

EVENTS = b"GET /api/v0/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
WEBSOCKET = (
    b"GET /api/v0/ws/shot HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HALF_OPEN = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "

_PATHS = (
    "/api/v0/shot", "/api/v0/session", "/api/v0/live", "/api/v0/lanes", "/api/v0/device", "/api/v0/events",
    "/api/v0/session_performance", "/api/v0/session/open", "/api/v0/shot/x", "/api/v0/live/all", "/api/v0/ws/shot",
    "/healthz", "/", "/static/x/y", "/api/v0/%00", "/%ff%fe", "//", "/api/v0/shot/",
)  # fmt: skip
_NAMES = (
    "lane", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y", "limit", "offset", "id",
    "since", "location", "start_time", "end_time", "is_opened", "session_id", "arrow_id", "unknown",
)  # fmt: skip
_VALUES = (
    "0", "-1", "1", "999999", "1000000", "99999999999999999999", "1e308", "-1e400", "nan", "inf", "", "%00", "a%00b", "%ff",
    "%ED%A0%80", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z", "2026-01-01T10:00:00Z", "2026-01-01", "2026-13-45T99:99:99Z", "1700000000", "true", "None",
    "00000000-0000-0000-0000-000000000000", "urn:uuid:00000000-0000-0000-0000-000000000000", "abc-1-1",
    "abc-18446744073709551615-9223372036854775807", "abc-18446744073709551616-1", "'%3B--", "x" * 300, "2147483647",
    "2147483648", "%C2%A0", "%E2%80%AE", "9" * 5000,
)  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")
_HEADERS = (
    "", "Last-Event-ID: \xff\xfe\r\n", "Upgrade: h2c\r\nConnection: upgrade\r\n", "Host: evil.example\r\n", "Expect: 100-continue\r\n",
    "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Accept-Encoding: gzip;q=x\r\n",
    "Origin: null\r\n", "Origin: http://[\r\n", "Range: bytes=0-1\r\n", "If-None-Match: *\r\n", "X: " + "y" * 20_000 + "\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n",
)  # fmt: skip
_BYTES = (
    b"\x00\x01\x02\x03\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 100 + b"X\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET \xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", b"GET / HTTP/1.0\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip


def odd_requests(seed: int, count: int) -> Iterator[bytes]:
    """Requests with odd paths, parameters, methods, headers and bytes, a pure function of the seed."""
    chance = random.Random(f"odd {seed}")
    for _ in range(count):
        if chance.random() < 0.2:
            yield chance.choice(_BYTES)
            continue
        query = "&".join(
            f"{chance.choice(_NAMES)}={chance.choice(_VALUES)}" for _ in range(chance.choice((0, 1, 1, 1, 2)))
        )
        method = "GET" if chance.random() < 0.8 else chance.choice(_METHODS)
        head = f"{method} {chance.choice(_PATHS)}?{query} HTTP/1.1\r\n{chance.choice(_HEADERS)}"
        host = "" if "Host:" in head else "Host: 127.0.0.1\r\n"
        yield f"{head}{host}\r\n".encode("latin-1")


async def answer(port: int, request: bytes) -> tuple[int, bytes]:
    """Send a request; returns status and body, or (0, b"") when the connection is closed without an answer.

    The body is read to its given length, and not at all when it has none.
    """
    async with asyncio.timeout(OPEN_WITHIN_S):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return 0, b""
        try:
            with suppress(OSError):
                writer.write(request)
                return await _response(reader, only_head=request.startswith(b"HEAD "))
            return 0, b""
        finally:
            writer.transport.abort()


async def open_streams(port: int, requests: Sequence[bytes], parallel: int = 100) -> tuple[list[Held], list[int]]:
    """Open a stream for each request; returns those that were accepted, and the statuses of all others."""
    slots = asyncio.Semaphore(parallel)

    async def one(request: bytes) -> Held | int:
        async with slots, asyncio.timeout(OPEN_WITHIN_S):
            try:
                held = Held(*await asyncio.open_connection("127.0.0.1", port))
                held.writer.write(request)
                status = await held.status()
            except OSError:
                return 0
        if status in (101, 200):
            return held
        held.close()
        return status

    made = await asyncio.gather(*map(one, requests))
    return [one for one in made if isinstance(one, Held)], [one for one in made if isinstance(one, int)]


async def hold(port: int, sent: bytes, count: int) -> list[Held]:
    """Open connections that send this and nothing more."""
    made: list[Held] = []
    for _ in range(count):
        held = Held(*await asyncio.open_connection("127.0.0.1", port))
        held.writer.write(sent)
        made.append(held)
    return made


class Held:
    """A connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def status(self) -> int:
        """Status of the answer; 0 when the connection is closed without one."""
        return (await _response(self.reader, only_head=True))[0]

    async def ended(self) -> bytes:
        """Read to the end of the connection; returns what arrived."""
        with suppress(OSError):
            return await self.reader.read()
        return b""

    def close(self) -> None:
        """Close at once."""
        self.writer.transport.abort()


async def _response(reader: asyncio.StreamReader, *, only_head: bool = False) -> tuple[int, bytes]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return 0, b""
    status = int(head.split(maxsplit=2)[1])
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if only_head or not lengths:
        return status, b""
    with suppress(asyncio.IncompleteReadError, OSError):
        return status, await reader.readexactly(int(lengths[0].split(b":")[1]))
    return status, b""
