"""One stream's buffer: bounded, filled by the hub, emptied as fast as its reader reads."""

from __future__ import annotations

import asyncio

from edge.common.feed import FeedCursor
from edge.push.frames import Frame, order


class Client:
    """What waits to be sent to one client, and how far it has come."""

    __slots__ = ("_frames", "_limit", "_waiter", "lane", "over", "place", "slow", "taken")

    def __init__(self, lane: int | None, limit: int) -> None:
        self.lane = lane
        self.place: FeedCursor | None = None
        """It has, or has been offered, everything up to here."""
        self.taken: FeedCursor | None = None
        """Everything up to here has been handed on to be sent."""
        self.slow = False
        """It did not keep up, and what waited for it is dropped."""
        self.over = False
        self._limit = limit
        self._frames: list[Frame] = []
        self._waiter: asyncio.Future[None] | None = None

    def follow(self, place: FeedCursor) -> None:
        """Everything up to ``place`` has been sent, or is known to the client."""
        self.place = self.taken = place

    def offer(self, frame: Frame) -> None:
        """Put an event into the buffer, unless the client has it already or did not ask for its lane."""
        if self.place is not None and frame.place is not None and not frame.restarts:
            if order(frame.place) <= order(self.place):
                return  # it was read from the table while the hub was still behind
            self.place = frame.place
        if self.wants(frame):
            self.push(frame)

    def wants(self, frame: Frame) -> bool:
        """Whether it asked for the lane that this is of."""
        return frame.lane is None or self.lane is None or frame.lane == self.lane

    def push(self, frame: Frame) -> None:
        """Put something into the buffer. A buffer that is full ends the stream."""
        if self.over:
            return
        if len(self._frames) >= self._limit:
            self.slow = True
            self.end()
            return
        if frame.restarts:
            self.place = frame.place
        self._frames.append(frame)
        self._wake()

    def end(self) -> None:
        """No more frames: what waits is dropped, and the stream ends."""
        self.over = True
        self._frames.clear()
        self._wake()

    async def take(self, timeout_s: float | None = None) -> bytes:
        """Everything that waits, as soon as there is something; empty when the stream is over or the time is up."""
        if not self._frames and not self.over:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._waiter
            except TimeoutError:
                return b""
            finally:
                self._waiter = None
        frames, self._frames = self._frames, []
        self.taken = next((frame.place for frame in reversed(frames) if frame.place is not None), self.taken)
        return b"".join([frame.sse for frame in frames])

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
