"""Fan-out: an event is encoded once and written to every client that wants it.

A client that does not read in time loses its place and is told from which id it may resume; nobody else waits for it.
The newest events are kept, so that a client that lost its connection for a moment, or a hundred of them, come back
without a question to the database.

Everything here runs on one event loop and never waits while it changes state, so nothing can slip in between "the
client has everything up to the live position" and "the client gets what follows".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from edge.common.postgres.feed import FeedCursor
from edge.push.stream.client import Client
from edge.push.stream.frames import Frame, gap, heartbeat, order

# What is remembered for clients that come back: two megabytes or so, and as much again for each way it was sent.
KEPT_FRAMES = 2048
# More at once would fill a client's buffer: it reads the table, page by page, as fast as it takes them.
MISSED_FRAMES = 100
# More streams than this are refused; a hub is sized for a thousand.
MAX_CLIENTS = 2000


@dataclass(slots=True)
class Counters:
    """What happened since the process started, for ``/metrics``."""

    events: int = 0
    clients_total: int = 0
    clients_slow: int = 0
    clients_refused: int = 0
    gaps: int = 0


class Hub:
    """All streams of this process, and the live position of the feed."""

    def __init__(
        self,
        *,
        kept_frames: int = KEPT_FRAMES,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        # up to where the feed has been read; None until the database answered for the first time
        self.live: FeedCursor | None = None
        # whether the feed can be read now, as clients are told
        self.connected = False
        self.closed = False
        self.counters = Counters()
        self._max_clients = max_clients
        self._clients: set[Client] = set()
        self._following: set[Client] = set()
        self._kept: deque[Frame] = deque()
        self._kept_frames = kept_frames
        # everything after this is kept
        self._kept_after: FeedCursor | None = None

    @property
    def clients(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    # -- the feed's side

    def begin(self, at: FeedCursor) -> None:
        """The feed starts here: for the first time, or anew because the database has another epoch (clients are told)."""
        restarted = self.live is not None
        self.live = self._kept_after = at
        self._kept.clear()
        if restarted:
            self.counters.gaps += len(self._following)
            self._send(gap(at, "unknown_epoch", restarts=True))
        for client in self._following:
            client.place = at

    def publish(self, frames: Iterable[Frame], upto: FeedCursor) -> None:
        """Hand on what is new, oldest first; afterwards the live position is ``upto``."""
        for frame in frames:
            self.counters.events += 1
            self._kept.append(frame)
            if len(self._kept) > self._kept_frames:
                self._kept_after = self._kept.popleft().place
            self._send(frame)
        self.live = upto

    def tell_state(self, *, connected: bool) -> None:
        """Whether the feed can be read; a change is told to every client at once."""
        changed = connected != self.connected
        self.connected = connected
        if changed:
            self.beat()

    def beat(self) -> None:
        """A heartbeat to every client, with the place it has come to as its id."""
        frame = heartbeat(self.live, connected=self.connected)
        for client in list(self._clients):
            client.push(frame if client.place == self.live else heartbeat(client.place, connected=self.connected))
            self._let_go_if_slow(client)

    def close(self) -> None:
        """End every stream, and refuse new ones."""
        self.closed = True
        for client in list(self._clients):
            client.end()

    # -- a stream's side

    def refuses(self) -> bool:
        """Whether there are too many streams for one more, or none is taken any more; counted."""
        refused = self.closed or len(self._clients) >= self._max_clients
        self.counters.clients_refused += refused
        return refused

    def join(self, client: Client) -> None:
        """A new stream. It gets heartbeats only, until it is attached."""
        self._clients.add(client)
        self.counters.clients_total += 1
        client.push(heartbeat(None, connected=self.connected))
        if self.closed:
            client.end()

    def attach(self, client: Client, after: FeedCursor | None, *, verified: bool = False) -> bool:
        """Let a client follow live from ``after`` (None: from now, or as soon as there is a feed).

        False when that is not in what is remembered, or more than the client can take at once: read the table, which
        makes the place ``verified``, then try again. A verified place may be ahead of the hub.
        """
        if after is None:
            client.place = self.live
            self._following.add(client)
            return True
        if self.live is None or self._kept_after is None:
            return False
        if after.epoch != self.live.epoch or order(after) < order(self._kept_after):
            return False
        if not verified and order(after) > order(self.live):
            return False
        missed = [frame for frame in self._kept if frame.place is not None and order(frame.place) > order(after)]
        if len(missed) > MISSED_FRAMES:
            return False
        client.place = after
        for frame in missed:
            client.offer(frame)
        self._following.add(client)
        return True

    def leave(self, client: Client) -> None:
        """The stream is gone."""
        self._clients.discard(client)
        self._following.discard(client)

    def _send(self, frame: Frame) -> None:
        for client in list(self._following):
            client.offer(frame)
            self._let_go_if_slow(client)

    def _let_go_if_slow(self, client: Client) -> None:
        if client.slow:
            self.counters.clients_slow += 1
            self.counters.gaps += 1
            self.leave(client)
