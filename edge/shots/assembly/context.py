"""The session that readings belong to: its parameters, devices, target and corrections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from edge.common.frames import ButtPoint, nominal_map
from edge.common.vocabulary import ReadingKind
from edge.shots.assembly.model import Arrow, CorrectionSet, Face, Slot, Target, TimedReading
from edge.shots.assembly.placement import UNKNOWN_PLACEMENT, Calibration, Placement
from edge.shots.assembly.timeline import BlindInterval, LaneAssignment, PreviousSession

RULE_VERSION = 8
"""Version of the assembly rules, stored with each shot; it rises whenever the rules give another result."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Numbers of the assembly rules, for ranges of 5 to 100 m. Seconds and millimetres unless the name says otherwise."""

    fastest_mps: float = 120.0
    """Speed that no bow exceeds."""
    slowest_mps: float = 30.0
    """Speed below that of a longbow at 70 m."""
    most_drag_per_m: float = 0.0035
    """Coefficient of quadratic drag that no arrow exceeds; a thick indoor shaft has 0.0031."""
    launch_error: float = 0.06
    """Largest relative error of a flight time that follows from the speed at the bow: of its gates, and of the path's curve."""
    detect_latency_s: float = 0.5
    shortest_window_s: float = 3.0
    clock_floor_s: float = 0.020
    clock_unknown_s: float = 0.250
    """Assumed error of a clock that is not synchronised."""
    clock_factor: float = 3.0
    engage_timeout_s: float = 300.0
    merge_engage_s: float = 1.0
    shortest_change_s: float = 0.5
    """Shortest time in which one arrow leaves the string and another one is nocked, or one is nocked and leaves it."""
    duplicate_landing_s: float = 2.0
    duplicate_landing_mm: float = 5.0
    give_up_s: float = 10.0
    """Time after the landing window at which an undecided shot becomes ``unknown``; a landing received later is ``late``."""
    late_accept_s: float = 24 * 3600.0
    """Time after its closing for which a session is recomputed while a silent device may still report."""
    bounce_s: float = 2.0
    """Longest time between a landing and the disappearance of its tag alone at which the arrow counts as fallen out."""
    contact_mm: float = 10.0
    """Largest distance between two landings at which the arrows may touch."""
    dead_time_s: float = 0.2
    """Usual recovery time of a target: of two arrows within it it may detect one."""
    speed_error: float = 0.016
    """Largest relative error of a flight time at which a speed is stored."""
    sigma_mm: float = 0.5
    """Standard deviation in one direction of the positions of a target without a calibration."""
    line_call_sigmas: float = 2.0

    def longest_flight_s(self, distance_m: float | None) -> float:
        """The flight time of a slow arrow; the landing window where the distance is not known."""
        return self.landing_window_s(0.0) if distance_m is None else distance_m / self.slowest_mps

    def landing_window_s(self, distance_m: float) -> float:
        """The time after a release within which its landing is awaited."""
        return max(self.shortest_window_s, distance_m / self.slowest_mps + self.clock_floor_s + self.detect_latency_s)


@dataclass(frozen=True, slots=True)
class SessionContext:
    """One session of one lane as it is known at ``now``. Instants are seconds on the session's axis."""

    session_id: UUID
    lane: int
    starts: float
    closes: float | None
    """Instant at which closing was requested."""
    is_indoor: bool
    end_timeout_s: float
    target: Target | None
    bows: frozenset[str]
    targets: frozenset[str]
    now: float
    watermarks: Mapping[str, float] = field(default_factory=dict)
    """Watermark of each device: every event up to this instant is stored."""
    scanners: frozenset[str] = frozenset()
    """The devices that scan arrows before they are nocked."""
    dead_times_s: Mapping[str, float] = field(default_factory=dict)
    """Time of a target within which two arrows may be one landing, where it is not the usual one."""
    blind: Sequence[BlindInterval] = ()
    arrows: Mapping[UUID, Arrow] = field(default_factory=dict)
    """The registered arrows among the tags of its readings."""
    end_marks: Sequence[float] = ()
    arrows_per_end: int | None = None
    """Number of arrows that count in an end, the lowest first; None for no limit."""
    slots: Sequence[Slot] = ()
    """The archers' places at the butt; none where archers are not distinguished."""
    rule_set: str = "wa"
    """Code of the rules that scores follow; the value of an X by them is part of each face."""
    rule_set_version: int = 1
    corrections: CorrectionSet = field(default_factory=CorrectionSet)
    assignments: Mapping[str, Sequence[LaneAssignment]] = field(default_factory=dict)
    """Intervals in which a device is assigned to the lane; a device that is not listed always is."""
    previous: PreviousSession | None = None
    """The lane's session before this one."""
    placements: Mapping[str, Placement] = field(default_factory=dict)
    """The place of each target's sensor on the butt."""
    parameters: Parameters = field(default_factory=Parameters)

    @property
    def distance_m(self) -> float | None:
        """Distance to the target; None when the session has none."""
        return self.target.distance_m if self.target else None

    def dead_time_of(self, target: str) -> float:
        """The dead time of a target in seconds."""
        return self.dead_times_s.get(target, self.parameters.dead_time_s)

    def at(self, now: float, watermarks: Mapping[str, float]) -> SessionContext:
        """The same session as it is known at another instant."""
        return replace(self, now=now, watermarks=watermarks)

    def with_arrows(self, arrows: Mapping[UUID, Arrow]) -> SessionContext:
        """The same session with other arrows."""
        return replace(self, arrows=arrows)

    def calibration_of(self, landing: TimedReading) -> Calibration | None:
        """The calibration that was active when an arrow landed."""
        return self.placements.get(landing.key.device_id, UNKNOWN_PLACEMENT).calibration_at(landing.t)

    def butt_point(self, landing: TimedReading) -> ButtPoint | None:
        """The place of a landing on the butt; None where the sensor gave no finite number."""
        position = landing.position
        if position is None:
            return None
        calibration = self.calibration_of(landing)
        if calibration is not None:
            sensor_map = calibration.sensor_map
        else:
            butt = None if self.target is None else (self.target.width, self.target.height)
            sensor_map = nominal_map(self.placements.get(landing.key.device_id, UNKNOWN_PLACEMENT).origin, butt)
        point = sensor_map.to_butt(position)
        return point if math.isfinite(point.x) and math.isfinite(point.y) else None

    def sigma_mm(self, landing: TimedReading) -> float:
        """The standard deviation in one direction of a landing's position."""
        calibration = self.calibration_of(landing)
        return self.parameters.sigma_mm if calibration is None else calibration.sigma_mm

    def arrow_of(self, tag: str) -> Arrow | None:
        """The registered arrow whose EPC is ``tag``; None for a tag that is no arrow's UUID."""
        try:
            return self.arrows.get(UUID(hex=tag))
        except ValueError:
            return None

    def slot_of_bow(self, bow: str | None) -> Slot | None:
        """The slot whose bow bears a device; None without one."""
        return next((slot for slot in self.slots if bow is not None and slot.bow == bow), None)

    def faces_of_slot(self, slot_id: UUID | None) -> Sequence[Face]:
        """The faces that a slot's archer shoots at; all faces on the butt for no slot."""
        faces = () if self.target is None else self.target.faces
        slot = next((slot for slot in self.slots if slot_id is not None and slot.id == slot_id), None)
        return faces if slot is None else [face for face in faces if face.id in slot.faces] or faces

    def slot_of_shot(self, bow: str | None, face: UUID | None) -> Slot | None:
        """The slot of a shot: its bow's, else the session's only one, else the one of the face that it hit.

        Whatever a sole archer's arrow hit, it is that archer's, unless a bow released it that is not the one of the slot.
        """
        of_bow = self.slot_of_bow(bow)
        if of_bow is not None or len(self.slots) != 1:
            return of_bow or self.slot_of_face(face)
        (only,) = self.slots
        return only if bow is None or only.bow is None else None

    def slot_of_face(self, face: UUID | None) -> Slot | None:
        """The only slot that shoots at a face, and without a device on its bow; None where another may have hit it."""
        found = [slot for slot in self.slots if face in slot.faces]
        return found[0] if len(found) == 1 and found[0].bow is None else None

    def belongs_to_previous(self, reading: TimedReading) -> bool:
        """Whether a release, or a landing that no release explains, belongs to the previous session by its time alone."""
        if self.previous is None:
            return False
        landed = reading.kind is ReadingKind.LANDING
        return reading.t <= (self.previous.lands_until if landed else self.previous.closes)

    def on_lane(self, devices: frozenset[str], since: float, until: float) -> frozenset[str]:
        """The devices that are assigned to the lane for any part of an interval."""
        return frozenset(d for d in devices if any(a.since <= until and a.until > since for a in self._assigned(d)))

    def each_missed_some(self, devices: frozenset[str], since: float, until: float) -> bool:
        """Whether each of the devices was blind, or assigned to another lane, for a part of an interval."""
        return all(
            any(b.device_id == d and b.since < until and b.until > since for b in self.blind)
            or not any(a.since <= since and a.until > until for a in self._assigned(d))
            for d in devices
        )

    def is_blind(self, device: str, since: float, until: float, least_s: float = 0.0) -> bool:
        """Whether a device was blind within an interval, once for at least ``least_s``."""
        return any(
            b.device_id == device
            and b.since < until
            and b.until > since
            and min(b.until, until) - max(b.since, since) >= least_s
            for b in self.blind
        )

    def _assigned(self, device: str) -> Sequence[LaneAssignment]:
        return self.assignments.get(device, (LaneAssignment(),))
