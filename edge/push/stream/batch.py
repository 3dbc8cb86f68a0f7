"""The events of one read of the feed, joined into few writes that all clients of a lane and a transport share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edge.common.postgres.feed import FeedCursor
from edge.push.stream.frames import Form, Frame

LARGEST_PIECE = 64 * 1024
"""Bytes after which a piece ends. A client's buffer is checked before each piece, so this is how far it may be exceeded."""


class Piece(NamedTuple):
    """Consecutive events in one write."""

    data: bytes
    place: FeedCursor | None
    """Position of the last of them."""


def joined(frames: Sequence[Frame], form: Form, lane: int | None) -> list[Piece]:
    """Return the events that concern a lane, or all of them when None, encoded and joined, in their order."""
    pieces: list[Piece] = []
    parts: list[bytes] = []
    size = 0
    wanted = [frame for frame in frames if frame.concerns(lane)]
    for frame in wanted:
        parts.append(frame.encoded(form))
        size += len(parts[-1])
        if size >= LARGEST_PIECE or frame is wanted[-1]:
            pieces.append(Piece(b"".join(parts), frame.place))
            parts, size = [], 0
    return pieces
