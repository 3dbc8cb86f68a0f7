"""``GET /api/v0/events``: the feed as server-sent events."""

import asyncio
import random
from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from edge.common.postgres.feed import FeedCursor
from edge.push.api.parameters import EventParams, parse_query
from edge.push.http.admission import Admission
from edge.push.http.envelope import headers
from edge.push.http.read_pool import ReadPool
from edge.push.stream.catch_up import catch_up, parse_since
from edge.push.stream.client import Client
from edge.push.stream.frames import Form, Frame
from edge.push.stream.hub import Hub

FOREIGN = FeedCursor("0", 0, 0)
"""A position of no epoch, which leads to a gap."""


class EventStream:
    """ASGI application of the path."""

    def __init__(self, hub: Hub, pool: ReadPool, admission: Admission) -> None:
        self._hub = hub
        self._admission = admission
        self._pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until the client disconnects, falls behind, or the process stops."""
        request = Request(scope, receive)
        params = parse_query(request, EventParams)
        since = _since(request, params.since)
        if scope["method"] == "HEAD":
            await _start(send)
            await send({"type": "http.response.body", "body": b""})
            return
        self._admission.check_stream(scope["state"]["address"], self._hub)

        async def send_frames(frames: Sequence[Frame]) -> None:
            await _send(send, b"".join([frame.text for frame in frames]))

        await _start(send)
        form = Form.TEXT if scope["http_version"] == "1.0" else Form.CHUNK
        client = Client(scope["state"]["transport"], lane=params.lane, form=form)
        self._hub.join(client)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_end_on_disconnect(client, receive))
                await catch_up(self._hub, self._pool, client, since, send_frames)
                await client.ended()
                watching.cancel()
        finally:
            self._hub.leave(client)
        await send({"type": "http.response.body", "body": b""})


def _since(request: Request, parameter: str | None) -> FeedCursor | None:
    """Return the position to resume from. The header of a reconnecting browser is newer than the address it opened."""
    header = request.headers.get("last-event-id")
    if not header:
        return parse_since(parameter)
    try:
        return FeedCursor.parse(header)
    except ValueError:
        return FOREIGN  # an id of another server on this port: the page can handle a gap, and no error


async def _end_on_disconnect(client: Client, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.end()


async def _start(send: Send) -> None:
    made = headers({"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"})
    raw = [(name.encode(), value.encode()) for name, value in made.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    # A random delay keeps browsers from reconnecting all at the same instant.
    await _send(send, b"retry: %d\n\n" % random.randint(500, 1500))  # noqa: S311 - spreads load, guards nothing


async def _send(send: Send, chunk: bytes) -> None:
    """Send a chunk, and wait while the client does not read."""
    if chunk:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
