"""The start of a stream: events after any position of the feed, each once and in order, until the hub takes over.

Missed events are sent page by page, as fast as the client reads. From then on the hub writes to its connection, and the
stream only waits for its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from edge.common.postgres.feed import FeedCursor, Page, read_page
from edge.push.http.envelope import reject
from edge.push.http.read_pool import DatabaseAwayError, ReadPool
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame, GapReason, gap, of_event
from edge.push.stream.hub import Hub

PAGE_EVENTS = 500
RETRY_S = 0.5
"""Interval between attempts to read older events while the feed is unreadable."""

Send = Callable[[Sequence[Frame]], Awaitable[None]]
"""Sends frames, and waits while the client does not read."""


def parse_since(since: str | None) -> FeedCursor | None:
    """Return the position that ``since`` names; None: from now on. Raises RequestRejected (422)."""
    if since is None:
        return None
    try:
        return FeedCursor.parse(since)
    except ValueError as error:
        raise reject(422, "id_parsing", str(error), "query", "since") from None


async def catch_up(hub: Hub, pool: ReadPool, client: Client, since: FeedCursor | None, send: Send) -> None:
    """Send the table's events after ``since`` until the hub can take over without a gap, or the stream has ended."""
    verified = False
    while not hub.attach(client, since, verified=verified) and not client.over and since is not None:
        page = await _page(pool, since)
        if page is None:
            await client.ended(RETRY_S)
            continue
        if page.gap:
            hub.counters.gaps += 1
            reason = GapReason.TOO_OLD if page.cursor.epoch == since.epoch else GapReason.UNKNOWN_EPOCH
            await send([gap(page.cursor, reason)])
        else:
            await send([frame for frame in map(of_event, page.events) if frame.concerns(client.lane)])
            if verified and not page.events:  # the hub is behind the table
                await client.ended(RETRY_S)
        since, verified = page.cursor, True


async def _page(pool: ReadPool, since: FeedCursor) -> Page | None:
    """Return the events after ``since``; None while the table is unreadable."""
    try:
        async with pool.connection() as connection:
            return await read_page(connection, since, PAGE_EVENTS)
    except DatabaseAwayError:
        return None
