"""What assembly must know besides the readings: the session, its lane's devices, its arrows, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from edge.shots.scoring import Face
from edge.shots.sensed import Instant


@dataclass(frozen=True, slots=True)
class Arrow:
    """A registered arrow."""

    id: UUID
    diameter_mm: float | None = None
    voided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a device was blind, or of which nobody can know whether it was."""

    device_id: str
    since: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class Session:
    """One session on one lane. Changes only when a person or a new device changes it, or a device was blind."""

    id: UUID
    lane: int
    start: Instant
    closing: Instant | None = None
    """When its close was asked for; what was released by then belongs to it."""
    not_before: Instant | None = None
    """End of an earlier session on the lane that this one overlaps: the earlier one keeps what is its own."""
    shadowed: bool = False
    """An earlier session on the lane has no end: nothing belongs to this one."""
    is_indoor: bool = False
    end_timeout_s: float = 60.0
    distance_m: float | None = None
    view_mm: tuple[float, float] | None = None
    """Width and height of the butt; a landing beyond them is off the view."""
    faces: tuple[Face, ...] = ()
    bows: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    arrows: Mapping[str, Arrow] = field(default_factory=dict)
    """By tag."""
    marks: tuple[Instant, ...] = ()
    """Where a person closed an end."""
    gaps: tuple[Gap, ...] = ()

    @property
    def devices(self) -> frozenset[str]:
        """Bows and targets."""
        return self.bows | self.targets


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may be concluded from silence."""

    now: Instant
    heard: Mapping[str, Instant] = field(default_factory=dict)
    """By device its watermark: it has told everything up to there."""
