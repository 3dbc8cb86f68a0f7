"""``GET /api/v0/events``: the feed as server-sent events."""

import asyncio
import random
from collections.abc import Sequence
from operator import attrgetter

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from edge.common.postgres.feed import FeedCursor
from edge.push.api.parameters import EventsFrom, ask
from edge.push.http.envelope import headers, refuse
from edge.push.http.read_pool import Store
from edge.push.stream.catch_up import catch_up, place_asked
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame
from edge.push.stream.hub import Hub

NO_PLACE = FeedCursor("0", 0, 0)


class EventStream:
    """The ASGI application behind the path."""

    def __init__(self, hub: Hub, store: Store) -> None:
        self._hub = hub
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One stream, until the client leaves, falls behind, or the process stops."""
        request = Request(scope, receive)
        asked = ask(request, EventsFrom)
        since = _since(request, asked.since)
        if scope["method"] == "HEAD":
            await _start(send)
            await send({"type": "http.response.body", "body": b""})
            return
        if self._hub.refuses():
            raise refuse(503, "too_many_streams", "no more streams can be opened now; try again later")

        async def send_frames(frames: Sequence[Frame]) -> None:
            await _send(send, b"".join([frame.text for frame in frames]))

        await _start(send)
        form = attrgetter("text" if scope["http_version"] == "1.0" else "chunk")
        client = Client(scope["state"]["transport"], lane=asked.lane, form=form)
        self._hub.join(client)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_end_when_gone(client, receive))
                await catch_up(self._hub, self._store, client, since, send_frames)
                await client.ended()
                watching.cancel()
        finally:
            self._hub.leave(client)
        await send({"type": "http.response.body", "body": b""})


def _since(request: Request, parameter: str | None) -> FeedCursor | None:
    """Where to resume. A browser that comes back sends the header, which knows better than the address it opened."""
    header = request.headers.get("last-event-id")
    if not header:
        return place_asked(parameter)
    try:
        return FeedCursor.parse(header)
    except ValueError:
        return NO_PLACE  # the browser's memory of another server on this port: a gap, no error it could not mend


async def _end_when_gone(client: Client, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.end()


async def _start(send: Send) -> None:
    told = headers({"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"})
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    # Browsers shall not all come back at the same instant.
    await _send(send, b"retry: %d\n\n" % random.randint(500, 1500))  # noqa: S311 - spreads load, guards nothing


async def _send(send: Send, chunk: bytes) -> None:
    """Send, and wait while the client does not read."""
    if chunk:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
