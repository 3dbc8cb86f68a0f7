"""What assembly sees: readings and the lane they belong to, on one time axis. Values only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from edge.shots.assembly.parameters import Parameters


class ReadingKey(NamedTuple):
    """What names a reading for ever."""

    device_id: str
    stream_id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class TimedReading:
    """One reading. ``t`` is its place on the axis in seconds; None values were not sensed."""

    key: ReadingKey
    kind: str
    t: float
    at: datetime
    error_s: float | None
    """Half width of the interval that holds the instant; None when the reading is undated."""
    tag: str | None = None
    tags: tuple[str, ...] | None = None
    x: float | None = None
    y: float | None = None
    rssi: int | None = None
    cause: str | None = None
    receive_delay_s: float = 0.0
    """So long after its instant the hub heard of it, whatever the wall clock did between."""

    @property
    def told(self) -> float:
        """When the hub heard of it, on the axis."""
        return self.t + self.receive_delay_s

    @property
    def place(self) -> tuple[float, float] | None:
        """Where it landed, millimetres; None where the sensor could not tell, or told no number."""
        if self.x is None or self.y is None or not (math.isfinite(self.x) and math.isfinite(self.y)):
            return None
        return self.x, self.y


@dataclass(frozen=True, slots=True)
class Arrow:
    """A registered arrow; its EPC is its id."""

    id: UUID
    diameter_mm: float | None
    is_active: bool
    voided: float | None = None
    """When it was voided, on the axis."""

    def is_retired(self, t: float) -> bool:
        """Whether it should not have been shot at ``t``."""
        return not self.is_active and (self.voided is None or self.voided <= t)


@dataclass(frozen=True, slots=True)
class Face:
    """One scored face or spot, as placed on the butt."""

    id: UUID
    version: int
    x: float
    y: float
    radii: tuple[float, ...]
    points: tuple[int, ...]
    x_radius: float | None
    is_spot: bool = False
    """One spot of a multiple face: of two arrows in it the lower counts."""


@dataclass(frozen=True, slots=True)
class Target:
    """The butt: its size in millimetres and its distance in metres."""

    width: float
    height: float
    distance_m: float
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class BlindInterval:
    """A device saw nothing between two instants of the axis."""

    device_id: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class LaneAssignment:
    """A device was on the lane from one instant until just before another."""

    since: float = -math.inf
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class PreviousSession:
    """The session that the lane had before."""

    closes: float
    """What was released up to here is of it."""
    lands_until: float
    """A landing without a release is of it up to here: its arrow may have flown before the closing."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person decided of the reading that ``key`` names: a release, or a landing without one.

    Three things can be said, and of each the last word counts:

    - ``result`` (with ``points`` and ``is_x``): the shot is worth this, whatever was sensed. ``void`` takes it out of the
      totals. ``void`` of a landing says that no arrow made it, be it an orphan or one that a release was given.
    - ``landing``: this landing belongs to the release ``key`` (assignment ``manual``). When ``landing`` is ``key`` itself,
      the landing is a shot of its own, without a release.
    """

    key: ReadingKey
    result: str | None = None
    points: int | None = None
    is_x: bool = False
    reason: str = ""
    landing: ReadingKey | None = None


@dataclass(frozen=True, slots=True)
class SessionContext:
    """One session of one lane, with everything that is known of it at ``now``."""

    session_id: UUID
    lane: int
    starts: float
    closes: float | None
    """When closing was asked for."""
    is_indoor: bool
    end_timeout_s: float
    target: Target | None
    bows: frozenset[str]
    targets: frozenset[str]
    now: float
    watermarks: Mapping[str, float] = field(default_factory=dict)
    """Up to when each device is known to have told everything."""
    blind: Sequence[BlindInterval] = ()
    arrows: Mapping[UUID, Arrow] = field(default_factory=dict)
    end_marks: Sequence[float] = ()
    arrows_per_end: int | None = None
    """Of more than these the lowest count; None: as many as are shot."""
    corrections: Sequence[Correction] = ()
    """In the order in which they were said."""
    stays: Mapping[str, Sequence[LaneAssignment]] = field(default_factory=dict)
    """When a device was on the lane; one that is not named always was."""
    before: PreviousSession | None = None
    """The lane's session before this one."""
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def distance_m(self) -> float | None:
        """To the target; None when the session has none."""
        return self.target.distance_m if self.target else None

    def is_of_before(self, reading: TimedReading) -> bool:
        """Whether a reading is the session before's, by its time alone: its releases, and landings that no release explains."""
        if self.before is None:
            return False
        return reading.t <= (self.before.lands_until if reading.kind == "landing" else self.before.closes)

    def on_lane(self, devices: frozenset[str], since: float, until: float) -> frozenset[str]:
        """Those of the devices that were on the lane at some time of an interval."""
        return frozenset(d for d in devices if any(s.since <= until and s.until > since for s in self._stays(d)))

    def saw_nothing(self, devices: frozenset[str], since: float, until: float) -> bool:
        """Whether each of the devices was blind, or on another lane, at some time of an interval."""
        return all(
            any(b.device_id == d and b.since < until and b.until > since for b in self.blind)
            or not any(s.since <= since and s.until > until for s in self._stays(d))
            for d in devices
        )

    def _stays(self, device: str) -> Sequence[LaneAssignment]:
        return self.stays.get(device, (LaneAssignment(),))
