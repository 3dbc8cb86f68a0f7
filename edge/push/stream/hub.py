"""Fan-out: each event is encoded once and written to every client that subscribes to its lane.

The events of one read of the feed go to a client in one write, because a system call costs more than the rest.
A client that does not read in time loses its stream and gets the id to resume from; no other client waits for it. The
newest events are kept, so that clients that lost their connection for a moment resume without a database query.

Everything here runs on one event loop and never awaits while it changes state, so no event can slip in between "the
client has everything up to the live position" and "the client gets every later event".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from edge.common.postgres.feed import FeedCursor
from edge.push.http.admission import MAX_STREAMS
from edge.push.stream.batch import joined
from edge.push.stream.client import Client
from edge.push.stream.frames import Form, Frame, GapReason, gap, heartbeat, order

KEPT_FRAMES = 2048
"""Events kept for clients that resume: about two megabytes, and as much again per transport in use."""
MISSED_FRAMES = 100
"""Most events that a resuming client gets at once. With more, catch-up reads the table as fast as the client reads."""


@dataclass(slots=True)
class Counters:
    """Counters since the start of the process, for ``/metrics``."""

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
        max_clients: int = MAX_STREAMS,
    ) -> None:
        self.live: FeedCursor | None = None
        """Position up to which the feed has been read. None until the database answered for the first time."""
        self.connected = False
        """Whether the feed is readable, as the last heartbeat reported it."""
        self.closed = False
        self.counters = Counters()
        self._max_clients = max_clients
        self._clients: set[Client] = set()
        self._following: dict[tuple[Form, int | None], set[Client]] = {}
        """Clients of the live feed by what they are sent: those of one entry get the same bytes. The position of each is the
        object ``live`` itself, unless catch-up took it ahead."""
        self._kept: deque[Frame] = deque()
        self._kept_frames = kept_frames
        self._kept_after: FeedCursor | None = None
        """Position after which every event is kept."""

    @property
    def clients(self) -> int:
        """Number of open streams."""
        return len(self._clients)

    # -- the feed's side

    def begin(self, at: FeedCursor) -> None:
        """Start the feed at a position: for the first time, or again after a gap, which every client gets."""
        restarted = self.live is not None
        self.live = self._kept_after = at
        self._kept.clear()
        if restarted:
            frame = gap(at, GapReason.UNKNOWN_EPOCH, restarts=True)
            for client in self._followers():
                self.counters.gaps += 1
                client.offer(frame)
                if client.slow:
                    self._drop(client)
        for client in self._followers():
            client.place = at

    def publish(self, frames: Iterable[Frame], upto: FeedCursor) -> None:
        """Send new events, oldest first; afterwards the live position is ``upto``."""
        new, before = tuple(frames), self.live
        for frame in new:
            self._kept.append(frame)
            if len(self._kept) > self._kept_frames:
                self._kept_after = self._kept.popleft().place
        self.counters.events += len(new)
        self.live = upto
        for (form, lane), clients in list(self._following.items()):
            pieces = joined(new, form, lane)
            for client in list(clients):
                if client.place is before:
                    client.offer_all(pieces, upto)
                else:  # catch-up took it ahead
                    for frame in new:
                        client.offer(frame)
                if client.slow:
                    self._drop(client)

    def set_connected(self, *, connected: bool) -> None:
        """Set whether the feed is readable; a change goes to every client at once."""
        changed = connected != self.connected
        self.connected = connected
        if changed:
            self.beat()

    def beat(self) -> None:
        """Send a heartbeat to every client, with its own position as id."""
        frame = heartbeat(self.live, connected=self.connected)
        for client in list(self._clients):
            client.push(frame if client.place == self.live else heartbeat(client.place, connected=self.connected))
            if client.slow:
                self._drop(client)

    def close(self) -> None:
        """End every stream, and accept no new one."""
        self.closed = True
        for client in list(self._clients):
            client.end()

    # -- a stream's side

    def is_full(self, at_most: int) -> bool:
        """Return whether no further stream is accepted, of which ``at_most`` have connections; counts each rejected one."""
        rejected = self.closed or len(self._clients) >= min(at_most, self._max_clients)
        self.counters.clients_refused += rejected
        return rejected

    def join(self, client: Client) -> None:
        """Add a stream. It gets heartbeats only, until it is attached."""
        self._clients.add(client)
        self.counters.clients_total += 1
        client.push(heartbeat(None, connected=self.connected))
        if self.closed:
            client.end()

    def attach(self, client: Client, after: FeedCursor | None, *, verified: bool = False) -> bool:
        """Let a client follow the live feed from ``after`` (None: from now, or from the feed's start).

        Returns False when the events after it are no longer kept or too many to send at once. The caller then reads the
        table, which makes the position ``verified``, and tries again. A verified position may be ahead of the hub.
        """
        if after is None:
            client.place = self.live
            self._follow(client)
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
        if not client.over and order(client.place) == order(self.live):
            client.place = self.live
        self._follow(client)
        return True

    def leave(self, client: Client) -> None:
        """Remove a stream."""
        self._clients.discard(client)
        subscription = client.form, client.lane
        if subscription in self._following:
            self._following[subscription].discard(client)
            if not self._following[subscription]:
                del self._following[subscription]

    def _follow(self, client: Client) -> None:
        if client.over:
            return  # it ended during catch-up, and may have left already
        self._following.setdefault((client.form, client.lane), set()).add(client)

    def _followers(self) -> list[Client]:
        return [client for clients in self._following.values() for client in clients]

    def _drop(self, client: Client) -> None:
        """Remove a client that does not keep up."""
        self.counters.clients_slow += 1
        self.counters.gaps += 1
        self.leave(client)
