"""When an end is over.

Four things close an end: the butt is empty after arrows were in it, a person says so, nothing was nocked, shot or hit for
the session's time-out while no arrow was on a string, and the session's close. Each makes a *cut*; what lies between two
cuts is one end, if anything was shot there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ClosedBy(StrEnum):
    """What closed an end."""

    TAGS = "tags"
    OPERATOR = "operator"
    TIMEOUT = "timeout"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Cut:
    """Whatever is released at or after ``ns`` (on the session's time axis) belongs to a later end."""

    ns: int
    by: ClosedBy


@dataclass(frozen=True, slots=True)
class End:
    """An end in which something was shot: a row of ``ends``."""

    id: UUID
    session_id: UUID
    number: int
    opened_at: datetime
    closed_at: datetime | None
    closed_by: ClosedBy | None


class IdleTimer:
    """Knows when an end that nobody closes is over."""

    def __init__(self, timeout_ns: int) -> None:
        self._timeout_ns = timeout_ns
        self._active_ns: int | None = None

    def active(self, ns: int) -> None:
        """Something was nocked, shot or hit."""
        self._active_ns = ns

    def closed(self) -> None:
        """The end was closed by something else."""
        self._active_ns = None

    def over_at(self, nocked_until_ns: int | None) -> int | None:
        """When the end is over by itself, given until when an arrow that is nocked counts; None when none is open."""
        if self._active_ns is None:
            return None
        return max(self._active_ns, nocked_until_ns or self._active_ns) + self._timeout_ns
