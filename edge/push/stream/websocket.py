"""``WS /api/v0/ws/shot``: the feed over a WebSocket, each event's envelope as one text message.

A thousand clients that only listen must cost little, so an open stream is a transport and a position in the feed: it keeps
no task, no request and no parser. A task exists while a client catches up, a parser from the first bytes a client sends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Request as Handshake
from websockets.http11 import Response as HandshakeResponse
from websockets.protocol import State
from websockets.server import ServerProtocol

from edge.common.postgres.feed import FeedCursor
from edge.push.api.parameters import EventParams, parse_query
from edge.push.http.admission import Admission
from edge.push.http.envelope import ApiError, RequestRejected, error_response, reject
from edge.push.http.hosts import HostNames
from edge.push.http.read_pool import ReadPool
from edge.push.http.refusals import Refusals
from edge.push.stream.batch import joined
from edge.push.stream.catch_up import catch_up, parse_since
from edge.push.stream.client import Client
from edge.push.stream.frames import Form, Frame
from edge.push.stream.hub import Hub

log = logging.getLogger(__name__)

PATH = "/api/v0/ws/shot"
LARGEST_MESSAGE_BYTES = 4096
"""Largest message accepted from a client, which has no reason to send any."""
CLOSE_TIMEOUT_S = 10.0
"""Time for the client's half of the closing handshake."""

MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
"""Frames of a message; the others are pings, pongs and the closing handshake."""

# Close codes of RFC 6455, 7.4.1, and its registry.
GOING_AWAY = 1001
POLICY = 1008
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013

_parser_log = logging.getLogger(f"{__name__}.parser")
_parser_log.setLevel(logging.WARNING)


class SocketStreams:
    """Makes the protocol of each connection that requests a WebSocket."""

    def __init__(self, hub: Hub, pool: ReadPool, admission: Admission, names: HostNames, refusals: Refusals) -> None:
        self.hub = hub
        self.pool = pool
        self.admission = admission
        self.names = names
        self.refusals = refusals

    def __call__(self, *, server_state: ServerState, app_state: dict[str, object], **_: object) -> SocketStream:
        """Return the protocol of one connection, as uvicorn asks for it."""
        return SocketStream(self, server_state, cast("str | None", app_state["address"]))


class SocketStream(asyncio.Protocol):
    """One connection, from its handshake to its end."""

    __slots__ = (
        "_address", "_client", "_closing", "_connections", "_drained", "_farewell", "_parser", "_service", "_tasks",
        "_transport",
    )  # fmt: skip

    def __init__(self, service: SocketStreams, server_state: ServerState, address: str | None) -> None:
        self._service = service
        self._address = address
        self._connections = cast("set[asyncio.Protocol]", server_state.connections)
        self._tasks = server_state.tasks
        self._transport: asyncio.Transport | None = None
        self._client: Client | None = None
        self._parser: ServerProtocol | None = _parser(State.CONNECTING)
        self._farewell: tuple[int, str] | None = None
        """Close code and reason, unless the state of the client explains the end."""
        self._drained: asyncio.Event | None = None
        """Cleared while the transport's buffer is full. Only catch-up waits for it."""
        self._closing: asyncio.TimerHandle | None = None

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection, which the server cuts at the stop when its peer does not close it."""
        return self._transport

    # -- what the server and the transport call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection from the HTTP protocol, whose request follows as data."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)  # the server shuts down what it finds there

    def data_received(self, data: bytes) -> None:
        """Answer the handshake, pings and the closing handshake; a message ends the stream."""
        parser = self._parser = self._parser or _parser(State.OPEN)
        parser.receive_data(data)
        for event in parser.events_received():
            if isinstance(event, Handshake):
                self._handshake(parser, event)
            elif isinstance(event, WireFrame) and event.opcode in MESSAGES:
                self._end(POLICY, "this stream accepts no messages; it only sends")
        self._flush(parser)

    def pause_writing(self) -> None:
        """Read nothing from a peer that does not read: the answers to its pings would have no bound."""
        if self._drained is not None:
            self._drained.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Note that the peer reads again."""
        if self._drained is not None:
            self._drained.set()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason changes nothing
        """End the stream."""
        self._connections.discard(self)
        self._service.admission.disconnect(self._address)
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._client is not None:
            self._client.end()
            self._client = None  # it refers to this object
        if self._drained is not None:
            self._drained.set()  # a transport that is lost never resumes

    def shutdown(self) -> None:
        """End the stream because the process stops; cut a handshake."""
        if self._client is not None:
            self._client.end()
        elif self._transport is not None:
            self._transport.close()

    # -- the stream

    def _handshake(self, parser: ServerProtocol, request: Handshake) -> None:
        try:
            since, lane = self._accepted(request)
        except RequestRejected as rejected:
            self._service.refusals.count_response(rejected.status)
            refusal = error_response(rejected.status, rejected.errors, rejected.headers)
            parser.send_response(_handshake_response(refusal))
            return
        response = parser.accept(request)
        parser.send_response(response)
        self._flush(parser)
        self._service.refusals.count_response(response.status_code)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self._parser = None
            self._start(since, lane)

    def _accepted(self, request: Handshake) -> tuple[FeedCursor | None, int | None]:
        """Return the position to resume from and the lane. Raises RequestRejected."""
        path, _, query = request.path.partition("?")
        if unquote(path) != PATH:
            raise reject(404, "not_found", f"path {unquote(path)} does not exist")
        known = [(name.lower().encode(), value.encode(errors="replace")) for name, value in request.headers.raw_items()]
        connection = HTTPConnection({"type": "websocket", "query_string": query.encode(), "headers": known})
        self._service.names.check(connection, is_read=False)
        params = parse_query(connection, EventParams)
        since = parse_since(params.since)
        self._service.admission.check_stream(self._address, self._service.hub)
        return since, params.lane

    def _start(self, since: FeedCursor | None, lane: int | None) -> None:
        if self._transport is None:
            raise AssertionError("a handshake arrives on a connection")
        self._client = client = Client(self._transport, lane=lane, form=Form.MESSAGE, on_end=self._on_end)
        self._service.hub.join(client)
        if not client.over and not self._service.hub.attach(client, since):
            self._drained = asyncio.Event()
            self._drained.set()
            task = asyncio.get_running_loop().create_task(self._catch_up(client, since))
            self._tasks.add(task)  # the server waits for it at the stop
            task.add_done_callback(self._tasks.discard)

    async def _catch_up(self, client: Client, since: FeedCursor | None) -> None:
        try:
            await catch_up(self._service.hub, self._service.pool, client, since, self._send)
        except Exception:
            log.exception("catching up a WebSocket failed; its client is disconnected")
            self._end(INTERNAL_ERROR, "the server has a defect; see its log")
        finally:
            self._drained = None

    async def _send(self, frames: Sequence[Frame]) -> None:
        """Send missed events, and wait while the client does not read. Nothing follows a close frame."""
        transport, drained, client = self._transport, self._drained, self._client
        if transport is None or drained is None:
            raise AssertionError("only catch-up sends, on a connection")
        for data, _ in joined(frames, Form.MESSAGE, None):
            if client is None or client.over or transport.is_closing():
                return
            transport.write(data)
            await drained.wait()

    def _end(self, code: int, reason: str) -> None:
        if self._client is not None and not self._client.over:
            self._farewell = code, reason
            self._client.end()

    def _on_end(self) -> None:
        """Leave the hub, and close the connection unless it is closed already."""
        client, transport = self._client, self._transport
        if client is None or transport is None:
            return
        self._service.hub.leave(client)
        parser = self._parser = self._parser or _parser(State.OPEN)
        if transport.is_closing() or parser.state is not State.OPEN:
            return
        parser.send_close(*(self._farewell or _goodbye(client)))
        self._flush(parser)
        self._closing = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.close)

    def _flush(self, parser: ServerProtocol) -> None:
        """Write the parser's bytes; it marks the end of the connection by empty ones."""
        transport = self._transport
        if transport is None:
            return
        for part in parser.data_to_send():
            if transport.is_closing():
                return
            if part:
                transport.write(part)
            else:
                transport.close()


async def upgrade_required(_: Request) -> Response:
    """Respond to a plain HTTP request on the WebSocket's path."""
    error = ApiError("upgrade_required", "this path needs a WebSocket; /api/v0/events sends the same events over HTTP")
    return error_response(426, [error], {"upgrade": "websocket", "connection": "upgrade"})


def _parser(state: State) -> ServerProtocol:
    """Return the sans-IO protocol of a connection before its handshake, or after it, when no frame has begun."""
    return ServerProtocol(state=state, max_size=LARGEST_MESSAGE_BYTES, logger=_parser_log)


def _handshake_response(response: Response) -> HandshakeResponse:
    """Return a response of the API as the answer to a handshake, after which the connection ends."""
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers])
    headers["Connection"] = "close"
    status = HTTPStatus(response.status_code)
    return HandshakeResponse(status, status.phrase, headers, bytes(response.body))


def _goodbye(client: Client) -> tuple[int, str]:
    """Return the close code and its reason in words."""
    if client.slow:
        return TRY_AGAIN_LATER, "not read fast enough; the last message has the id to resume from"
    return GOING_AWAY, "the server is stopping"
