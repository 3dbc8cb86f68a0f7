"""A shot: one row of the table ``shots``, field by column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from edge.shots.matching import Assignment
from edge.shots.sensed import Key


class Result(StrEnum):
    """What became of an arrow."""

    PENDING = "pending"
    """It may still land, or the target has not yet told all."""
    HIT = "hit"
    OFF_FACE = "off_face"
    """In the butt beside every face: 0 points."""
    OFF_VIEW = "off_view"
    """Sensed beyond the edges of the butt: 0 points."""
    MISS = "miss"
    """The target watched the whole landing window and sensed nothing: 0 points."""
    UNKNOWN = "unknown"
    """Nobody can tell: the target did not watch, or told no place."""
    NOT_SHOT = "not_shot"
    """Let down: the arrow was nocked again."""
    VOID = "void"
    """Counts no more; ``void_reason`` says why."""


class TimeSource(StrEnum):
    """Who sensed the shot."""

    BOTH = "both"
    BOW = "bow"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Shot:
    """See docs/shots.md for the meaning of each flag; lengths in millimetres, instants aware UTC."""

    id: UUID
    session_id: UUID
    lane: int
    end_number: int | None
    arrow_id: UUID | None
    arrow_tag: str | None
    arrow_engage_time: datetime | None
    arrow_disengage_time: datetime | None
    arrow_landing_time: datetime | None
    x: float | None
    y: float | None
    result: Result
    points: int | None
    is_x: bool
    face_id: UUID | None
    face_version: int | None
    rule_version: int
    line_margin_mm: float | None
    line_call: bool
    diameter_mm: float | None
    diameter_assumed: bool
    assignment: Assignment | None
    time_source: TimeSource
    tof_s: float | None
    speed_mps: float | None
    flags: tuple[str, ...]
    release: Key | None
    landing: Key | None
    void_reason: str | None = None

    @property
    def at(self) -> datetime | None:
        """Where it stands among the others: its release, or its landing without one."""
        return self.arrow_disengage_time or self.arrow_landing_time
