"""How a stream begins: from any place of the feed on, exactly once and in order, until the hub takes over.

What a client missed is sent page by page, as fast as it reads. From then on the hub writes to its connection, and all that
is left to do for the stream is to wait for the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from edge.common.postgres.feed import FeedCursor, Page, read_page
from edge.push.http.envelope import refuse
from edge.push.http.read_pool import DatabaseAwayError, Store
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame, gap, of_event
from edge.push.stream.hub import Hub

PAGE_EVENTS = 500
# While the feed cannot be read, a client that wants older events asks again this often.
AGAIN_S = 0.5

Send = Callable[[Sequence[Frame]], Awaitable[None]]
"""Send frames, and wait while the client does not read."""


def place_asked(since: str | None) -> FeedCursor | None:
    """Where the parameter ``since`` says to resume; None: from now on. Raises Refusal (422)."""
    if since is None:
        return None
    try:
        return FeedCursor.parse(since)
    except ValueError as error:
        raise refuse(422, "id_parsing", str(error), "query", "since") from None


async def catch_up(hub: Hub, store: Store, client: Client, since: FeedCursor | None, send: Send) -> None:
    """Send what the table holds after ``since``, until the hub can take over without a hole or the client is over."""
    verified = False
    while not hub.attach(client, since, verified=verified) and not client.over and since is not None:
        page = await _page(store, since)
        if page is None:
            await client.ended(AGAIN_S)
            continue
        if page.gap:
            hub.counters.gaps += 1
            reason = "too_old" if page.cursor.epoch == since.epoch else "unknown_epoch"
            await send([gap(page.cursor, reason)])
        else:
            await send([frame for frame in map(of_event, page.events) if client.wants(frame)])
            if verified and not page.events:  # the hub itself is behind
                await client.ended(AGAIN_S)
        since, verified = page.cursor, True


async def _page(store: Store, since: FeedCursor) -> Page | None:
    """What follows ``since`` in the table; None while the table cannot be read."""
    try:
        async with store.connection() as connection:
            return await read_page(connection, since, PAGE_EVENTS)
    except DatabaseAwayError:
        return None
