"""Events as they are sent, encoded once for all clients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

from edge.common.postgres.feed import FeedCursor, FeedEvent

HEARTBEAT_S = 30.0
"""Interval between heartbeats."""


class StreamEvent(StrEnum):
    """The type of an event that stands in no table: the stream itself sends it."""

    HEARTBEAT = "heartbeat"
    GAP = "gap"


class FeedState(StrEnum):
    """Whether the feed is readable, as a heartbeat reports it."""

    LIVE = "live"
    AWAY = "away"


class GapReason(StrEnum):
    """The reason why a stream misses events."""

    SLOW = "slow"
    """The client did not keep up; every event after the gap's position is still stored."""
    UNKNOWN_EPOCH = "unknown_epoch"
    """The client's position belongs to another life of the database."""
    TOO_OLD = "too_old"
    """The events after the client's position are pruned."""


class Form(StrEnum):
    """A transport's encoding of a frame; the value names the frame's attribute."""

    TEXT = "text"
    """Server-sent event as it is, for HTTP/1.0."""
    CHUNK = "chunk"
    """Server-sent event as a chunk of an HTTP/1.1 body."""
    MESSAGE = "message"
    """WebSocket text message."""


@dataclass(frozen=True)
class Frame:
    """One event, ready to send. ``place`` is its position in the feed; None for an event outside the feed."""

    place: FeedCursor | None
    lane: int | None
    kind: str
    envelope: bytes
    """JSON on one line, because a line break would end the field of a server-sent event."""
    restarts: bool = False
    """The feed restarts here: positions before and after cannot be compared."""

    def concerns(self, lane: int | None) -> bool:
        """Return whether a client of a lane, or of all lanes when None, subscribed to the event."""
        return lane is None or self.lane is None or self.lane == lane

    def encoded(self, form: Form) -> bytes:
        """Return the event as a transport sends it. Built once, so that all clients share the bytes."""
        made: bytes = getattr(self, form)
        return made

    @property
    def text(self) -> bytes:
        """The event as a server-sent event."""
        head = b"id: %b\n" % str(self.place).encode() if self.place is not None else b""
        return b"%bevent: %b\ndata: %b\n\n" % (head, self.kind.encode(), self.envelope)

    @cached_property
    def chunk(self) -> bytes:
        """The server-sent event as a chunk of an HTTP/1.1 body."""
        text = self.text
        return b"%x\r\n%b\r\n" % (len(text), text)

    @cached_property
    def message(self) -> bytes:
        """The event as a WebSocket text message: one final frame, unmasked as from a server (RFC 6455, 5.2)."""
        return _FINAL_TEXT + _length(len(self.envelope)) + self.envelope


def of_event(event: FeedEvent) -> Frame:
    """Return the frame of an event of the feed."""
    return _frame(event.cursor, event.type, event.at, event.data, lane=event.lane)


def order(place: FeedCursor) -> tuple[int, int]:
    """Return the sort key of positions within one epoch."""
    return place.xid, place.id


def heartbeat(place: FeedCursor | None, *, connected: bool) -> Frame:
    """Return a heartbeat, which reports whether the feed is readable."""
    data = {"feed": FeedState.LIVE if connected else FeedState.AWAY, "interval_s": HEARTBEAT_S}
    return _frame(place, StreamEvent.HEARTBEAT, datetime.now(UTC), data)


def gap(place: FeedCursor, reason: GapReason, *, restarts: bool = False) -> Frame:
    """Return a gap: events are missing before ``place``.

    After ``SLOW`` the client resumes from ``place``; after any other reason it reads the snapshot again.
    """
    data = {"reason": reason, "resume_from": str(place)}
    return _frame(place, StreamEvent.GAP, datetime.now(UTC), data, restarts=restarts)


def _frame(
    place: FeedCursor | None,
    kind: str,
    at: datetime,
    data: Mapping[str, object],
    *,
    lane: int | None = None,
    restarts: bool = False,
) -> Frame:
    public_id = str(place) if place is not None else None
    # request_id is reserved for events that a request caused.
    envelope = json.dumps({"id": public_id, "type": kind, "ts": at.isoformat(), "request_id": None, "data": data})
    return Frame(place, lane, kind, envelope.encode(), restarts)


_FINAL_TEXT = b"\x81"


def _length(of_payload: int) -> bytes:
    """Return a WebSocket frame's length: one byte, or a marker and two or eight bytes."""
    if of_payload < 126:
        return bytes([of_payload])
    if of_payload < 2**16:
        return b"\x7e" + of_payload.to_bytes(2, "big")
    return b"\x7f" + of_payload.to_bytes(8, "big")
