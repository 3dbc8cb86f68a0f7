"""``WS /api/v0/ws/shot``: the feed over a WebSocket, each event's envelope as one text message."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.common.postgres.feed import FeedCursor
from edge.push.api.parameters import EventParams, parse_query
from edge.push.http.envelope import ApiError, RequestRejected, error_response, reject
from edge.push.http.read_pool import ReadPool
from edge.push.stream.catch_up import catch_up, parse_since
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame
from edge.push.stream.hub import Hub

# Close codes of RFC 6455, 7.4.1, and its registry.
GOING_AWAY = 1001
POLICY = 1008
TRY_AGAIN_LATER = 1013


class SocketStream:
    """ASGI application of the path."""

    def __init__(self, hub: Hub, pool: ReadPool) -> None:
        self._hub = hub
        self._pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until the client disconnects, sends a message, falls behind, or the process stops."""
        await receive()  # the request to connect
        try:
            since, lane = self._accepted(HTTPConnection(scope))
        except RequestRejected as rejected:
            await error_response(rejected.status, rejected.errors, rejected.headers)(scope, receive, send)
            return
        await send({"type": "websocket.accept"})
        client = Client(scope["state"]["transport"], lane=lane, form=attrgetter("message"))

        async def send_frames(frames: Sequence[Frame]) -> None:
            try:
                for frame in frames:
                    await send({"type": "websocket.send", "text": frame.envelope.decode()})
            except OSError:
                client.end()  # it disconnected during catch-up

        self._hub.join(client)
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(_end_on_message(client, receive))
                await catch_up(self._hub, self._pool, client, since, send_frames)
                await client.ended()
                sent = listening.done() and listening.result()
                listening.cancel()
        finally:
            self._hub.leave(client)
        code, reason = _goodbye(client, sent=sent)
        with suppress(OSError):  # the client disconnected first
            await send({"type": "websocket.close", "code": code, "reason": reason})

    def _accepted(self, connection: HTTPConnection) -> tuple[FeedCursor | None, int | None]:
        """Return the position to resume from and the lane. Raises RequestRejected."""
        reject_other_origin(connection)
        params = parse_query(connection, EventParams)
        since = parse_since(params.since)
        if self._hub.is_full():
            raise reject(503, "too_many_streams", "the server has too many open streams; try again later")
        return since, params.lane


def reject_other_origin(connection: HTTPConnection) -> None:
    """Reject pages of other sites: a browser lets them open a WebSocket here and only names their origin.

    Raises RequestRejected (403).
    """
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower():
        raise reject(403, "other_origin", f"pages of {origin[:100]} may not read this stream")


async def upgrade_required(_: Request) -> Response:
    """Respond to a plain HTTP request on the WebSocket's path."""
    error = ApiError("upgrade_required", "this path needs a WebSocket; /api/v0/events sends the same events over HTTP")
    return error_response(426, [error], {"upgrade": "websocket", "connection": "upgrade"})


async def _end_on_message(client: Client, receive: Receive) -> bool:
    """End the stream when the client disconnects or sends a message; returns whether it sent one."""
    sent: bool = (await receive())["type"] == "websocket.receive"
    client.end()
    return sent


def _goodbye(client: Client, *, sent: bool) -> tuple[int, str]:
    """Return the close code and its reason in words."""
    if sent:
        return POLICY, "this stream accepts no messages; it only sends"
    if client.slow:
        return TRY_AGAIN_LATER, "not read fast enough; the last message has the id to resume from"
    return GOING_AWAY, "the server is stopping"
