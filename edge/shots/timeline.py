"""One axis for all instants of a session, on which a step of a wall clock moves nothing.

Whatever was stamped within one boot of a host is placed by CLOCK_MONOTONIC; the boot as a whole is tied to UTC at one
point: where the session started, else where the boot's first reading lies. What has no monotonic stamp, or comes from a
boot that nothing ties down, is placed by its UTC instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from edge.shots.sensed import Instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000_000
"""Nanoseconds: the unit of the axis, counted from the Unix epoch."""
BEFORE_ALL = -1
"""Monotonic stamp of a tie that no reading can come before."""


class Tie(NamedTuple):
    """Where one boot's CLOCK_MONOTONIC is tied to UTC."""

    mono_ns: int
    offset_ns: int
    """UTC nanoseconds minus monotonic nanoseconds."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Places instants on the axis. Depends on which instants it has learnt of, not on their order."""

    ties: Mapping[UUID, Tie] = field(default_factory=dict)

    @classmethod
    def starting(cls, start: Instant) -> Timeline:
        """The axis of a session: the start's boot is tied down there for good."""
        if start.mono_ns is None or start.boot_id is None:
            return cls()
        return cls({start.boot_id: Tie(BEFORE_ALL, _utc_ns(start.at) - start.mono_ns)})

    def learning(self, instants: Iterable[Instant]) -> Timeline:
        """Tie down the boots of these instants, each by its earliest; this very timeline when that changes nothing."""
        ties = dict(self.ties)
        for instant in instants:
            if instant.mono_ns is None or instant.boot_id is None:
                continue
            known = ties.get(instant.boot_id)
            if known is None or instant.mono_ns <= known.mono_ns:
                tie = Tie(instant.mono_ns, _utc_ns(instant.at) - instant.mono_ns)
                ties[instant.boot_id] = tie if known is None else min(tie, known)
        return self if ties == self.ties else Timeline(ties)

    def place(self, instant: Instant) -> int:
        """Nanoseconds on the axis."""
        if instant.mono_ns is not None and instant.boot_id is not None:
            tie = self.ties.get(instant.boot_id)
            if tie is not None:
                return instant.mono_ns + tie.offset_ns
        return _utc_ns(instant.at)


def to_datetime(ns: int) -> datetime:
    """A place on the axis as aware UTC, to the microsecond."""
    return EPOCH + timedelta(microseconds=(ns + 500) // 1000)


def to_ns(seconds: float) -> int:
    """A duration in the unit of the axis."""
    return round(seconds * SECOND)


def _utc_ns(at: datetime) -> int:
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000
