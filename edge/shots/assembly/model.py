"""The values that assembly works on: readings, arrows, faces and corrections. Instants are seconds on the session's axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from edge.common.frames import ButtPoint, SensorPoint
from edge.common.vocabulary import ReadingKind, ReleaseCause, Result


class ReadingKey(NamedTuple):
    """The permanent name of one reading."""

    device_id: str
    stream_id: UUID
    seq: int


@dataclass(frozen=True, slots=True)
class TimedReading:
    """One reading with its place on the session's time axis. A value that was not sensed is None."""

    key: ReadingKey
    kind: ReadingKind
    t: float
    at: datetime
    error_s: float | None
    """Half width of the interval that holds the instant; None when the reading is undated."""
    tag: str | None = None
    tags: tuple[str, ...] | None = None
    x: float | None = None
    y: float | None = None
    rssi: int | None = None
    cause: ReleaseCause | None = None
    launch_mps: float | None = None
    """Releases: measured speed at the bow."""
    receive_delay_s: float = 0.0
    """Time from the event to its receipt by the hub; a step of the wall clock between the two does not change it."""

    @property
    def received(self) -> float:
        """Instant at which the hub received the reading."""
        return self.t + self.receive_delay_s

    @property
    def position(self) -> SensorPoint | None:
        """Position of the landing in the sensor's own frame; None where the sensor gave no finite number."""
        if self.x is None or self.y is None or not (math.isfinite(self.x) and math.isfinite(self.y)):
            return None
        return SensorPoint(self.x, self.y)


@dataclass(frozen=True, slots=True)
class Arrow:
    """A registered arrow; its EPC is its id."""

    id: UUID
    diameter_mm: float | None
    is_active: bool
    voided: float | None = None
    """Instant at which the arrow was voided."""

    def is_retired(self, t: float) -> bool:
        """Whether the arrow is out of use at ``t``."""
        return not self.is_active and (self.voided is None or self.voided <= t)


@dataclass(frozen=True, slots=True)
class Face:
    """One scored face or spot, as placed on the butt. Millimetres in the butt's frame."""

    id: UUID
    version: int
    x: float
    y: float
    radii: tuple[float, ...]
    points: tuple[int, ...]
    x_radius: float | None
    is_spot: bool = False
    """One spot of a multiple face: of two arrows in it the lower counts."""
    x_points: int | None = None
    """Points of an X by the session's rules; None where it counts as much as the highest zone."""

    @property
    def centre(self) -> ButtPoint:
        """Its centre on the butt."""
        return ButtPoint(self.x, self.y)

    def gap_to(self, point: ButtPoint) -> float:
        """The distance of a point from its outermost line; negative within it."""
        return point.distance_to(self.centre) - self.radii[-1]

    @property
    def x_worth(self) -> int:
        """Points of an X on this face."""
        return self.points[0] if self.x_points is None or self.x_radius is None else self.x_points


@dataclass(frozen=True, slots=True)
class Slot:
    """An archer's place at the butt."""

    id: UUID
    bow: str | None
    """Device on the archer's bow; None without one."""
    faces: frozenset[UUID]
    """Its face, all spots of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The butt: its size in millimetres and its distance in metres."""

    width: float
    height: float
    distance_m: float
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """An operator's decision on the reading ``key``: a release, or a landing without one.

    - ``result`` (with ``points`` and ``is_x``) replaces the sensed result. ``void`` takes the shot out of the totals.
      ``void`` of a landing states that no arrow made it, whether it is an orphan or belongs to a release.
    - ``landing`` assigns this landing to the release ``key`` (assignment ``manual``). When ``landing`` equals ``key``,
      the landing becomes a shot of its own, without a release.
    """

    key: ReadingKey
    result: Result | None = None
    points: int | None = None
    is_x: bool = False
    reason: str = ""
    landing: ReadingKey | None = None


@dataclass(frozen=True, slots=True)
class CorrectionSet:
    """The valid corrections of one session: of two on the same point the later one."""

    corrections: tuple[Correction, ...] = ()
    """In order of entry."""
    judged_landings: frozenset[ReadingKey] = frozenset()
    """Landings that an operator assigned to a shot or dismissed."""
    results: Mapping[ReadingKey, Correction] = field(default_factory=dict)
    """The correction of a shot's result, by the key of its release, or of its landing without one."""
    owners: Mapping[ReadingKey, ReadingKey] = field(default_factory=dict)
    """The release to which a landing is assigned, by the landing's key; its own key makes it a shot of its own."""

    @classmethod
    def of(
        cls, corrections: Iterable[Correction], judged_landings: frozenset[ReadingKey] = frozenset()
    ) -> CorrectionSet:
        """Index corrections that are given in order of entry."""
        entered = tuple(corrections)
        results: dict[ReadingKey, Correction] = {}
        owners: dict[ReadingKey, ReadingKey] = {}
        for correction in entered:
            if correction.landing is not None:
                owners = {landing: owner for landing, owner in owners.items() if owner != correction.key}
                owners[correction.landing] = correction.key
            if correction.result is not None:
                results[correction.key] = correction
        return cls(entered, judged_landings, results, owners)

    def is_void(self, landing: ReadingKey) -> bool:
        """Whether an operator decided that no arrow made this landing."""
        correction = self.results.get(landing)
        return correction is not None and correction.result is Result.VOID
