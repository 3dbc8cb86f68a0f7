"""One stream: its position in the feed, and the connection that its events are written to.

Events are written directly to the connection's transport: bytes that are the same for all clients are built once, and no
task wakes up per client. The transport buffers bytes that the peer does not read at once, up to a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from edge.common.postgres.feed import FeedCursor
from edge.push.stream.frames import Frame, GapReason, gap, order

BUFFER_BYTES = 1024 * 1024
"""Unread bytes, about a thousand events, after which a client counts as slow.

All clients share the same bytes, so that a burst, such as a session scored again, costs their memory once.
"""


class Client:
    """A client of the feed."""

    __slots__ = ("_ended", "_form", "_limit", "_transport", "lane", "place", "slow")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        *,
        lane: int | None,
        form: Callable[[Frame], bytes],
        limit: int = BUFFER_BYTES,
    ) -> None:
        self.lane = lane
        self.place: FeedCursor | None = None
        """Position up to which the client has every event. None until it follows the live feed."""
        self.slow = False
        """Whether the client did not keep up and got a gap to resume from."""
        self._transport = transport
        self._form = form
        self._limit = limit
        self._ended = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the stream has ended."""
        return self._ended.is_set()

    def wants(self, frame: Frame) -> bool:
        """Return whether the client subscribed to the lane of the frame."""
        return frame.lane is None or self.lane is None or frame.lane == self.lane

    def offer(self, frame: Frame) -> None:
        """Send an event of the feed, unless the client has it already or did not subscribe to its lane."""
        if self._has(frame):
            return  # catch-up sent it while the hub was still behind
        if self.wants(frame):
            self.push(frame)
        if not self.over:
            self.place = frame.place

    def push(self, frame: Frame) -> None:
        """Send a frame. A client whose buffer is full gets a gap instead, and its stream ends."""
        if self.over:
            return
        if self._transport.get_write_buffer_size() > self._limit:
            self.slow = True
            if self.place is not None:
                self._write(gap(self.place, GapReason.SLOW))
            self.end()
        else:
            self._write(frame)

    def end(self) -> None:
        """End the stream."""
        self._ended.set()

    async def ended(self, within_s: float | None = None) -> None:
        """Wait for the end of the stream, at most ``within_s`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._ended.wait()

    def _has(self, frame: Frame) -> bool:
        if self.place is None or frame.place is None or frame.restarts:
            return False
        return order(frame.place) <= order(self.place)

    def _write(self, frame: Frame) -> None:
        if self._transport.is_closing():
            self.end()  # the client has just disconnected
        else:
            self._transport.write(self._form(frame))
