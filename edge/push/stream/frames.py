"""Events as they are sent: encoded once, whatever the number of clients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from edge.common.postgres.feed import FeedCursor, FeedEvent

HEARTBEAT_S = 30.0


@dataclass(frozen=True)
class Frame:
    """One event, ready to send. ``place`` is where it stands in the feed; None for what is told outside it."""

    place: FeedCursor | None
    lane: int | None
    kind: str
    envelope: bytes
    """As JSON on one line: a line break would end the field of a server-sent event."""
    restarts: bool = False
    """The feed begins anew here: places before and after cannot be compared."""

    @property
    def text(self) -> bytes:
        """As server-sent event."""
        head = b"id: %b\n" % str(self.place).encode() if self.place is not None else b""
        return b"%bevent: %b\ndata: %b\n\n" % (head, self.kind.encode(), self.envelope)

    @cached_property
    def chunk(self) -> bytes:
        """The same as a chunk of an HTTP/1.1 body."""
        text = self.text
        return b"%x\r\n%b\r\n" % (len(text), text)

    @cached_property
    def message(self) -> bytes:
        """As text message of a WebSocket: one final frame, unmasked as a server's are (RFC 6455, 5.2)."""
        return _FINAL_TEXT + _length(len(self.envelope)) + self.envelope


def of_event(event: FeedEvent) -> Frame:
    """An event of the feed."""
    return _frame(event.cursor, event.type, event.at, event.data, lane=event.lane)


def order(place: FeedCursor) -> tuple[int, int]:
    """What puts places of one epoch in order."""
    return place.xid, place.id


def heartbeat(place: FeedCursor | None, *, connected: bool) -> Frame:
    """A sign of life, with whether the feed can be read: ``live``, or ``away`` while the database is."""
    data = {"feed": "live" if connected else "away", "interval_s": HEARTBEAT_S}
    return _frame(place, "heartbeat", datetime.now(UTC), data)


def gap(place: FeedCursor, reason: str, *, restarts: bool = False) -> Frame:
    """Something is missing here. The client may resume from ``place``, or has to read the whole picture again.

    Reasons: ``slow`` (everything after ``place`` is still there), ``unknown_epoch`` and ``too_old`` (it is not).
    """
    data = {"reason": reason, "resume_from": str(place)}
    return _frame(place, "gap", datetime.now(UTC), data, restarts=restarts)


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
    # request_id is for events that a request caused, later.
    envelope = json.dumps({"id": public_id, "type": kind, "ts": at.isoformat(), "request_id": None, "data": data})
    return Frame(place, lane, kind, envelope.encode(), restarts)


_FINAL_TEXT = b"\x81"


def _length(of_payload: int) -> bytes:
    """A WebSocket frame's length: in one byte, or after a mark in two or eight."""
    if of_payload < 126:
        return bytes([of_payload])
    if of_payload < 2**16:
        return b"\x7e" + of_payload.to_bytes(2, "big")
    return b"\x7f" + of_payload.to_bytes(8, "big")
