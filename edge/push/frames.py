"""Events as they are sent: encoded once, whatever the number of clients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from edge.common.feed import FeedCursor, FeedEvent

HEARTBEAT_S = 30.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, ready to send. ``place`` is where it stands in the feed; None for what is told outside it."""

    place: FeedCursor | None
    lane: int | None
    text: bytes
    """As server-sent event."""
    chunk: bytes
    """The same as a chunk of an HTTP/1.1 body."""
    restarts: bool = False
    """The feed begins anew here: places before and after cannot be compared."""


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
    # JSON on one line: a line break would end the field. request_id is for events that a request caused, later.
    envelope = json.dumps({"id": public_id, "type": kind, "ts": at.isoformat(), "request_id": None, "data": data})
    head = f"id: {public_id}\n" if public_id is not None else ""
    text = f"{head}event: {kind}\ndata: {envelope}\n\n".encode()
    return Frame(place, lane, text, b"%x\r\n%b\r\n" % (len(text), text), restarts)
