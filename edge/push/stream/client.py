"""One stream: its position in the feed, and the connection that its events are written to.

Events are written directly to the connection's transport: bytes that are the same for all clients are built once, and no
task wakes up per client. The transport buffers bytes that the peer does not read at once, up to a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from edge.common.postgres.feed import FeedCursor
from edge.push.stream.batch import Piece
from edge.push.stream.frames import Form, Frame, GapReason, gap, order

BUFFER_BYTES = 1024 * 1024
"""Unread bytes, about a thousand events, after which a client counts as slow.

All clients share the same bytes, so that a burst, such as a session scored again, costs their memory once.
"""


class Client:
    """A client of the feed."""

    __slots__ = ("_ending", "_limit", "_on_end", "_transport", "form", "lane", "over", "place", "slow")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        *,
        lane: int | None,
        form: Form,
        limit: int = BUFFER_BYTES,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.lane = lane
        self.form = form
        self.place: FeedCursor | None = None
        """Position up to which the client has every event. None until it follows the live feed."""
        self.slow = False
        """Whether the client did not keep up and got a gap to resume from."""
        self.over = False
        """Whether the stream has ended."""
        self._transport = transport
        self._limit = limit
        self._on_end = on_end
        self._ending: asyncio.Event | None = None
        """Set at the end; made by the first wait, because most clients are never waited for."""

    def offer(self, frame: Frame) -> None:
        """Send an event of the feed, unless the client has it already or did not subscribe to its lane."""
        if self._has(frame):
            return  # catch-up sent it while the hub was still behind
        if frame.concerns(self.lane):
            self.push(frame)
        if not self.over:
            self.place = frame.place

    def offer_all(self, pieces: Sequence[Piece], upto: FeedCursor) -> None:
        """Send joined events, all of which follow the client's position; afterwards it has every event up to ``upto``.

        A burst calls this for each of a thousand clients, so it repeats the checks of ``push`` without a call for each piece.
        """
        transport = self._transport
        for data, place in pieces:
            if self.over or transport.get_write_buffer_size() > self._limit or transport.is_closing():
                self._refuse()
                return
            transport.write(data)
            self.place = place
        self.place = upto

    def push(self, frame: Frame) -> None:
        """Send a frame. A client whose buffer is full gets a gap instead, and its stream ends."""
        transport = self._transport
        if self.over or transport.get_write_buffer_size() > self._limit or transport.is_closing():
            self._refuse()
        else:
            transport.write(frame.encoded(self.form))

    def end(self) -> None:
        """End the stream."""
        if self.over:
            return
        self.over = True
        if self._ending is not None:
            self._ending.set()
        if self._on_end is not None:
            self._on_end()

    async def ended(self, within_s: float | None = None) -> None:
        """Wait for the end of the stream, at most ``within_s`` seconds."""
        if self.over:
            return
        if self._ending is None:
            self._ending = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._ending.wait()

    def _has(self, frame: Frame) -> bool:
        if self.place is None or frame.place is None or frame.restarts:
            return False
        return order(frame.place) <= order(self.place)

    def _refuse(self) -> None:
        """End the stream of a client that cannot be written to: it has disconnected, or does not keep up."""
        if self.over:
            return
        if not self._transport.is_closing():
            self.slow = True
            if self.place is not None:
                self._transport.write(gap(self.place, GapReason.SLOW).encoded(self.form))
        self.end()
