"""One stream: how far it has come, and the connection that its events are written to.

Events are written to the connection's transport itself: what is the same for all clients is built once, and nothing has
to be woken for each of them. What the peer does not take at once the transport keeps, up to a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from edge.common.postgres.feed import FeedCursor
from edge.push.stream.frames import Frame, gap, order

# A client that has so much before it has stopped reading: a thousand events or so. They are the same bytes for all
# clients, so that a burst, such as a session scored anew, costs their memory once.
BUFFER_BYTES = 1024 * 1024


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
        """It has everything up to here. None until it follows live."""
        self.slow = False
        """It did not keep up, and was told from where to resume."""
        self._transport = transport
        self._form = form
        self._limit = limit
        self._ended = asyncio.Event()

    @property
    def over(self) -> bool:
        """Nothing more will be sent."""
        return self._ended.is_set()

    def wants(self, frame: Frame) -> bool:
        """Whether it asked for the lane that this is of."""
        return frame.lane is None or self.lane is None or frame.lane == self.lane

    def offer(self, frame: Frame) -> None:
        """Send an event of the feed, unless the client has it already or did not ask for its lane."""
        if self._has(frame):
            return  # it was read from the table while the hub was still behind
        if self.wants(frame):
            self.push(frame)
        if not self.over:
            self.place = frame.place

    def push(self, frame: Frame) -> None:
        """Send something. A client that has not taken what was sent before is told of a gap instead, and the stream ends."""
        if self.over:
            return
        if self._transport.get_write_buffer_size() > self._limit:
            self.slow = True
            if self.place is not None:
                self._write(gap(self.place, "slow"))
            self.end()
        else:
            self._write(frame)

    def end(self) -> None:
        """Nothing more: the stream ends."""
        self._ended.set()

    async def ended(self, within_s: float | None = None) -> None:
        """Wait for the end of the stream, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._ended.wait()

    def _has(self, frame: Frame) -> bool:
        if self.place is None or frame.place is None or frame.restarts:
            return False
        return order(frame.place) <= order(self.place)

    def _write(self, frame: Frame) -> None:
        if self._transport.is_closing():
            self.end()  # it has just left
        else:
            self._transport.write(self._form(frame))
