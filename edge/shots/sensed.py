"""What assembly sees of a reading, and how a reading names the shot that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

SHOT_NAMESPACE = UUID("3f0f7c0e-6a59-5d27-8f0d-5b6c2f7f3a10")
"""Namespace of the ids of shots and ends. Never changes: a shot assembled again must get its id again."""


class Key(NamedTuple):
    """Names one reading for ever; also the shot that rests on it."""

    device_id: str
    stream_id: UUID
    seq: int


class Kind(StrEnum):
    """What was sensed, as far as shots are made of it."""

    ENGAGE = "engage"
    RELEASE = "release"
    LANDING = "landing"
    TAGS = "tags"


REMOVED_BY_HAND = "removed"
"""Cause of a release that a bow can tell from a shot."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One instant as a host told it."""

    at: datetime
    """Aware UTC, as the host's wall clock had it."""
    mono_ns: int | None = None
    """The same on the host's CLOCK_MONOTONIC, within the boot ``boot_id``; None when it is not known."""
    boot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sensed:
    """One reading."""

    key: Key
    kind: Kind
    instant: Instant
    received_at: datetime
    uncertainty_s: float | None = None
    """Half width of the interval that holds the true instant; None when the instant is only that of receipt."""
    tag: str | None = None
    tags: frozenset[str] = frozenset()
    """TAGS only: every tag now in the butt."""
    x_mm: float | None = None
    y_mm: float | None = None
    rssi_dbm: int | None = None
    cause: str | None = None


def shot_id(key: Key) -> UUID:
    """Id of the shot that rests on this reading: the release, or the landing when there is no release."""
    return uuid5(SHOT_NAMESPACE, f"{key.device_id}/{key.stream_id}/{key.seq}")


def end_id(session_id: UUID, number: int) -> UUID:
    """Id of the ``number``-th end (1, 2, 3 ...) of a session."""
    return uuid5(SHOT_NAMESPACE, f"{session_id}/end/{number}")
