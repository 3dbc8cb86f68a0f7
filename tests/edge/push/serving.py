"""A push service under test: on a port of its own, in the test's loop."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from edge.common.config.settings import PushSettings, ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.push.service import run_push
from edge.push.stream.hub import Hub
from tests.edge.push.conformity import check_answer

WITHIN_S = 30.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The service speaks plain HTTP: to load the certificate authorities for each client would take 30 ms."""


def listening_socket(port: int = 0) -> socket.socket:
    """Return a socket as systemd passes it to a service."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(64)
    made.setblocking(False)
    return made


@dataclass
class Service:
    """A push service that can be stopped and started again on the same port."""

    database: Database
    port: int
    hub: Hub = field(default_factory=Hub)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, hub: Hub | None = None) -> None:
        """Start the service, the first time or again."""
        self._stop = asyncio.Event()
        self.hub = hub or Hub()
        settings = PushSettings(server_port=self.port)
        work = run_push(self.database, settings, self._stop, sockets=[listening_socket(self.port)], hub=self.hub)
        self._task = asyncio.create_task(work)

    async def stop(self) -> float:
        """Stop the service; returns the time taken in seconds."""
        began = asyncio.get_running_loop().time()
        self._stop.set()
        if self._task is not None:
            async with asyncio.timeout(WITHIN_S):
                await self._task
            self._task = None
        return asyncio.get_running_loop().time() - began

    async def raw_status(self, request: bytes) -> int:
        """Send bytes as they are; returns the status of the response."""
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(request)
                return int((await reader.readline()).split()[1])
            finally:
                writer.close()

    async def raw_answer(self, request: bytes) -> bytes:
        """Send bytes as they are; returns everything that the service answers until it closes the connection."""
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(request)
                return await reader.read()
            finally:
                writer.close()

    async def until_live(self) -> None:
        """Wait until the service reads the feed."""
        async with asyncio.timeout(WITHIN_S), http(self) as client:
            while (await client.get("/healthz")).status_code != 200:
                await asyncio.sleep(0.02)


def http(service: Service, path: str = "") -> httpx.AsyncClient:
    """Return a client of the API with the deadline of these tests instead of the default of 5 s.

    Each answer is compared with the OpenAPI document.
    """
    return httpx.AsyncClient(
        base_url=f"{service.url}{path}", timeout=WITHIN_S, verify=NO_TLS, event_hooks={"response": [check_answer]}
    )


@asynccontextmanager
async def serving(settings: ServiceSettings, hub: Hub | None = None) -> AsyncIterator[Service]:
    """Run a service on a free port."""
    async with open_database(settings, application="push-test", role=Role.PUSH) as database:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        service = Service(database, port)
        service.start(hub)
        try:
            yield service
        finally:
            await service.stop()


@dataclass
class Event:
    """One server-sent event."""

    id: str | None
    type: str
    envelope: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """Payload of the event."""
        payload: dict[str, Any] = self.envelope["data"]
        return payload


class Stream(ABC):
    """A client of the feed on a socket of its own, which it may stop reading."""

    status: int
    retry_ms: int | None = None

    @abstractmethod
    async def receive(self) -> Event | None:
        """Return the next event of any type, None at the end of the stream."""

    async def next(self, *, heartbeats: bool = False) -> Event | None:
        """Return the next event, None at the end of the stream."""
        while (event := await self.receive()) is not None:
            if heartbeats or event.type != "heartbeat":
                return event
        return None

    async def take(self, count: int) -> list[Event]:
        """Return the next ``count`` events without heartbeats, each within a deadline."""
        taken: list[Event] = []
        for _ in range(count):
            async with asyncio.timeout(WITHIN_S):
                event = await self.next()
            assert event is not None, f"the stream ended after {len(taken)} events"
            taken.append(event)
        return taken

    async def until(self, type_: str) -> Event:
        """The next event of a type."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                event = await self.next(heartbeats=True)
                assert event is not None, f"the stream ended without {type_}"
                if event.type == type_:
                    return event

    async def until_feed_is(self, state: str) -> Event:
        """Return the next heartbeat with this state of the feed; a periodic one may precede it."""
        while (beat := await self.until("heartbeat")).data["feed"] != state:
            continue
        return beat


class SseStream(Stream):
    """A client of ``/events``."""

    def __init__(self, reader: asyncio.StreamReader, status: int) -> None:
        self.status = status
        self._reader = reader
        self._text = ""

    async def receive(self) -> Event | None:
        """Return the next event; a ``retry`` field before the first one is kept."""
        while (block := await self._block()) is not None:
            event = self._event(block)
            if event is not None:
                return event
        return None

    async def _block(self) -> str | None:
        while "\n\n" not in self._text:
            size = await self._reader.readline()
            length = int(size, 16) if size.strip() else 0
            if not length:
                return None
            self._text += (await self._reader.readexactly(length)).decode()
            await self._reader.readline()
        block, _, self._text = self._text.partition("\n\n")
        return block

    def _event(self, block: str) -> Event | None:
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "retry" in fields:
            self.retry_ms = int(fields["retry"])
        if "event" not in fields:
            return None
        return Event(fields.get("id"), fields["event"], json.loads(fields["data"]))


class SocketStream(Stream):
    """A client of ``/ws/shot``."""

    def __init__(self, connection: ClientConnection | None, status: int = 200) -> None:
        self.status = status
        self.connection = connection

    async def receive(self) -> Event | None:
        """Return the next message."""
        assert self.connection is not None
        try:
            envelope = json.loads(await self.connection.recv(decode=True))
        except ConnectionClosed:
            return None
        return Event(envelope["id"], envelope["type"], envelope)

    @property
    def close_code(self) -> int | None:
        """Close code of the server."""
        assert self.connection is not None
        return self.connection.close_code


class Listening(Protocol):
    """Opens a client of the service's feed over one of the transports."""

    def __call__(
        self, service: Service, query: str = "", *, last_id: str | None = None, receive_buffer: int | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Connect. A small ``receive_buffer`` lets a client that does not read fall behind early."""


@asynccontextmanager
async def listening(
    service: Service, query: str = "", *, last_id: str | None = None, receive_buffer: int | None = None
) -> AsyncIterator[SseStream]:
    """Connect to ``/events``. A small ``receive_buffer`` lets a client that does not read fall behind early."""
    made = await _connected(service, receive_buffer)
    reader, writer = await asyncio.open_connection(sock=made, limit=receive_buffer or 2**16)
    header = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    writer.write(f"GET /api/v0/events{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n".encode())
    async with asyncio.timeout(WITHIN_S):
        head = await reader.readuntil(b"\r\n\r\n")
    try:
        yield SseStream(reader, int(head.split()[1]))
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def listening_by_websocket(
    service: Service, query: str = "", *, last_id: str | None = None, receive_buffer: int | None = None
) -> AsyncIterator[SocketStream]:
    """Connect to ``/ws/shot``, offering compression as browsers do; there is no header to resume by."""
    if last_id is not None:
        query = f"{query}&since={last_id}" if query else f"?since={last_id}"
    made = await _connected(service, receive_buffer)
    try:
        connection = await connect(
            f"ws://127.0.0.1/api/v0/ws/shot{query}", sock=made, proxy=None, ping_interval=None, open_timeout=WITHIN_S,
            close_timeout=1, max_queue=2 if receive_buffer else 16,
        )  # fmt: skip
    except InvalidStatus as refused:
        yield SocketStream(None, refused.response.status_code)
        return
    try:
        yield SocketStream(connection)
    finally:
        await connection.close()


async def _connected(service: Service, receive_buffer: int | None) -> socket.socket:
    made = socket.socket()
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", service.port))
    return made
