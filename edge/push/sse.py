"""``GET /api/v0/events``: the feed as server-sent events, from any id on, exactly once and in order.

What a client missed is sent page by page, as fast as it reads. From then on the hub writes to its connection, and all that
is left to do here is to wait for the end.
"""

import asyncio
import random

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from edge.common.feed import FeedCursor, Page, read_page
from edge.push.answer import headers, refuse
from edge.push.api.questions import EventsFrom, ask
from edge.push.client import Client
from edge.push.frames import gap, of_event
from edge.push.hub import Hub
from edge.push.store import DatabaseAwayError, Store

PAGE_EVENTS = 500
# While the feed cannot be read, a client that wants older events asks again this often.
AGAIN_S = 0.5
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
        await _start(send)
        client = Client(scope["state"]["transport"], lane=asked.lane, chunked=scope["http_version"] != "1.0")
        self._hub.join(client)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_end_when_gone(client, receive))
                await self._catch_up(client, since, send)
                await client.ended()
                watching.cancel()
        finally:
            self._hub.leave(client)
        await send({"type": "http.response.body", "body": b""})

    async def _catch_up(self, client: Client, since: FeedCursor | None, send: Send) -> None:
        """Send what the table holds after ``since``, until the hub can take over without a hole."""
        verified = False
        while not self._hub.attach(client, since, verified=verified) and not client.over and since is not None:
            page = await self._page(since)
            if page is None:
                await client.ended(AGAIN_S)
                continue
            if page.gap:
                self._hub.counters.gaps += 1
                reason = "too_old" if page.cursor.epoch == since.epoch else "unknown_epoch"
                await _send(send, gap(page.cursor, reason).text)
            else:
                await _send(send, b"".join([frame.text for frame in map(of_event, page.events) if client.wants(frame)]))
                if verified and not page.events:  # the hub itself is behind
                    await client.ended(AGAIN_S)
            since, verified = page.cursor, True

    async def _page(self, since: FeedCursor) -> Page | None:
        """What follows ``since`` in the table; None while the table cannot be read."""
        try:
            async with self._store.connection() as connection:
                return await read_page(connection, since, PAGE_EVENTS)
        except DatabaseAwayError:
            return None


def _since(request: Request, parameter: str | None) -> FeedCursor | None:
    """Where to resume. A browser that comes back sends the header, which knows better than the address it opened."""
    header = request.headers.get("last-event-id")
    if header:
        try:
            return FeedCursor.parse(header)
        except ValueError:
            return NO_PLACE  # the browser's memory of another server on this port: a gap, no error it could not mend
    if parameter is None:
        return None
    try:
        return FeedCursor.parse(parameter)
    except ValueError as error:
        raise refuse(422, "id_parsing", str(error), "query", "since") from None


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
