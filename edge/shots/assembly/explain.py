"""Explains a shot: the readings, times and distances that its result rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.common.frames import ButtPoint, SensorPoint
from edge.common.vocabulary import DeviceKind, Flag, ReadingKind
from edge.shots.assembly.assemble import Assembly, assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.coverage import bows_on_lane
from edge.shots.assembly.ends import closing_before, closing_of
from edge.shots.assembly.flight import (
    clock_error_s,
    flight_is_possible,
    flight_s,
    landing_window_s,
    possible_flights_s,
)
from edge.shots.assembly.model import Correction, ReadingKey, TimedReading
from edge.shots.assembly.nockings import Draft, Nocking, find_nockings
from edge.shots.assembly.scoring import EDGE_TOLERANCE_MM
from edge.shots.assembly.shot import Shot
from edge.shots.assembly.timeline import BlindInterval


@dataclass(frozen=True, slots=True)
class Flight:
    """The possible and the measured flight time, seconds."""

    clock_error_s: float
    """Largest difference of the clocks of bow and target. Without a landing, for a target's clock as good as the bow's."""
    least_s: float
    most_s: float
    landing_window_s: float
    """Time after the release within which a landing of the right tag counts, and before whose end nothing is a miss."""
    seen_s: float | None
    """Measured time from release to landing; None without a landing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A landing near the release, or a release near the landing, that assembly considered."""

    reading: TimedReading
    flight_s: float
    possible: bool
    """Whether an arrow can fly that long, within the error of the clocks."""
    same_tag: bool
    chosen: bool
    """Whether it is a part of this shot."""
    taken_by: UUID | None
    """The shot that it is a part of; None for an orphan, and for a reading of no shot."""


@dataclass(frozen=True, slots=True)
class Watching:
    """A device's coverage of the interval that decides the shot."""

    device_id: str
    kind: DeviceKind
    since: float
    until: float
    watermark: float | None
    """Every event of the device up to this instant is stored; None when the device has no watermark."""
    blind: tuple[BlindInterval, ...]

    @property
    def is_complete(self) -> bool:
        """Whether the device watched the whole interval and all its events are stored."""
        return self.watermark is not None and self.watermark >= self.until and not self.blind


@dataclass(frozen=True, slots=True)
class Placing:
    """A landing in the sensor's own frame and on the butt, millimetres."""

    sensed: SensorPoint
    on_butt: ButtPoint
    calibration_id: UUID | None
    """The calibration that was active at the landing; None for the nominal place of the sensor."""
    sigma_mm: float
    """Standard deviation of the position in one direction; an assumption without a calibration."""


@dataclass(frozen=True, slots=True)
class Ring:
    """The shaft's position on its face, millimetres."""

    face_id: UUID
    face_version: int
    from_centre_mm: float
    shaft_mm: float
    edge_mm: float
    """Distance from the centre to the shaft's inner edge: a zone counts when this lies within its radius."""
    zone_mm: float | None
    """Outer radius of the highest zone that the shaft touches; None beside the face."""
    higher_mm: float | None
    """Outer radius of the next higher zone, which the shaft does not touch; None in the highest."""
    band_mm: float
    """Distance to a line below which the judge decides (``line_call``)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One shot with everything that its result rests on. ``shot`` has flags, margin and rule version."""

    shot: Shot
    scan: TimedReading | None
    """The scan that the arrow is known by at the bow: the last one before the nocking."""
    engage: TimedReading | None
    release: TimedReading | None
    landing: TimedReading | None
    next_nocking: TimedReading | None
    """Of a let-down, or a doubtful one: the next nocking in the end that is, or may be, of the same arrow."""
    flight: Flight | None
    candidates: tuple[Candidate, ...]
    watching: tuple[Watching, ...]
    """Targets during the landing window of a release, and bows that were blind around a release without a landing; bows before a
    landing without a release.
    """
    placing: Placing | None
    """None without a landing, and where the sensor gave no position."""
    ring: Ring | None
    corrections: tuple[Correction, ...]
    """Corrections of the shot, in order of entry."""


def explain(readings: Iterable[TimedReading], context: SessionContext, shot_id: UUID) -> Explanation | None:
    """Explain one of the session's shots; None when the readings give no shot of that id."""
    known = list(readings)
    found = assemble(known, context)
    shot = next((shot for shot in found.shots if shot.id == shot_id), None)
    if shot is None:
        return None
    by_key = {reading.key: reading for reading in known}
    release = by_key[shot.release] if shot.release else None
    landing = by_key[shot.landing] if shot.landing else None
    on_strings = find_nockings(sorted(known, key=lambda r: (r.t, r.key)), context)
    draft = next((d for d in on_strings.drafts if release is not None and d.first.key == release.key), None)
    return Explanation(
        shot=shot,
        scan=draft.scan if draft is not None and draft.bow_tag is None else None,
        engage=by_key[shot.engage] if shot.engage else None,
        release=release,
        landing=landing,
        next_nocking=_next_nocking(draft, on_strings.nockings, found) if Flag.LET_DOWN in shot.flags else None,
        flight=_flight(release, landing, context),
        candidates=tuple(_candidates(shot.arrow_tag, release, landing, known, found, context)),
        watching=tuple(_watching(release, landing, found, context)),
        placing=_placing(landing, context),
        ring=_ring(shot, landing, context),
        corrections=tuple(c for c in context.corrections.corrections if c.key in (shot.release, shot.landing)),
    )


def explain_landing(
    readings: Iterable[TimedReading], context: SessionContext, landing: ReadingKey
) -> tuple[Candidate, ...]:
    """The releases that an orphan may belong to; empty when the session has no such landing."""
    known = list(readings)
    reading = next((reading for reading in known if reading.key == landing), None)
    if reading is None:
        return ()
    return tuple(_candidates(reading.tag, None, reading, known, assemble(known, context), context))


def _next_nocking(draft: Draft | None, nockings: Sequence[Nocking], found: Assembly) -> TimedReading | None:
    """The next nocking of the end at the same bow whose arrow is the release's, or may be because it has no tag."""
    if draft is None:
        return None
    t, bow = draft.first.t, draft.first.key.device_id
    closing = closing_of(found.ends, t)
    return next(
        (
            n.engage
            for n in nockings
            if n.engage.key.device_id == bow and t < n.engage.t <= closing and n.tag in (None, draft.read_tag)
        ),
        None,
    )


def _flight(release: TimedReading | None, landing: TimedReading | None, context: SessionContext) -> Flight | None:
    if release is None:
        return None
    other = landing or release
    least, most = possible_flights_s(release, other, context)
    seen = flight_s(release, landing) if landing is not None else None
    return Flight(clock_error_s(release, other, context), least, most, landing_window_s(context), seen)


def _candidates(
    tag: str | None,
    release: TimedReading | None,
    landing: TimedReading | None,
    readings: Sequence[TimedReading],
    found: Assembly,
    context: SessionContext,
) -> list[Candidate]:
    """Every reading within the landing window, before or after: the clocks may put it on the wrong side."""
    first = release or landing
    if first is None:
        return []
    kind, devices = (
        (ReadingKind.LANDING, context.targets) if release is not None else (ReadingKind.RELEASE, context.bows)
    )
    owners: Mapping[ReadingKey | None, UUID] = {
        key: one.id for one in found.shots for key in (one.release, one.landing) if key is not None
    }
    window = landing_window_s(context)
    near = [r for r in readings if r.kind is kind and r.key.device_id in devices and abs(r.t - first.t) <= window]
    pairs = [(r, (release, r) if release is not None else (r, first)) for r in sorted(near, key=lambda r: (r.t, r.key))]
    return [
        Candidate(
            reading=reading,
            flight_s=flight_s(*pair),
            possible=flight_is_possible(*pair, context),
            same_tag=reading.tag is not None and reading.tag == tag,
            chosen=landing is not None and release is not None and reading.key == landing.key,
            taken_by=owners.get(reading.key),
        )
        for reading, pair in pairs
    ]


def _watching(
    release: TimedReading | None, landing: TimedReading | None, found: Assembly, context: SessionContext
) -> list[Watching]:
    window = landing_window_s(context)
    if release is not None:
        targets = context.on_lane(context.targets, release.t, release.t + window)
        watching = [
            _watching_device(t, DeviceKind.TARGET, release.t, release.t + window, context) for t in sorted(targets)
        ]
        return watching if landing is not None else [*watching, *_blind_bows(release, found, context)]
    if landing is not None:
        bows = bows_on_lane(landing, context)
        return [_watching_device(b, DeviceKind.BOW, landing.t - window, landing.t, context) for b in sorted(bows)]
    return []


def _blind_bows(release: TimedReading, found: Assembly, context: SessionContext) -> list[Watching]:
    """The bows that were blind when they might have sensed what decides a release without a landing.

    Its own bow from the nocking on until the end closes: a let-down shows by the next nocking. Any other bow for a landing
    window around: a landing may be of a release that it did not sense.
    """
    window = landing_window_s(context)
    nocked = max(closing_before(found.ends, release.t), release.t - context.parameters.engage_timeout_s)
    closing = min(closing_of(found.ends, release.t), context.now)
    spans = dict.fromkeys(context.bows, (release.t - window, release.t + window))
    spans[release.key.device_id] = (nocked, max(closing, release.t + window))
    bows = [
        _watching_device(bow, DeviceKind.BOW, since, until, context)
        for bow, (since, until) in sorted(spans.items())
        if context.on_lane(frozenset((bow,)), since, until)
    ]
    return [bow for bow in bows if bow.blind]


def _watching_device(device: str, kind: DeviceKind, since: float, until: float, context: SessionContext) -> Watching:
    blind = tuple(b for b in context.blind if b.device_id == device and b.since < until and b.until > since)
    return Watching(device, kind, since, until, context.watermarks.get(device), blind)


def _placing(landing: TimedReading | None, context: SessionContext) -> Placing | None:
    if landing is None or (sensed := landing.position) is None or (point := context.butt_point(landing)) is None:
        return None
    calibration = context.calibration_of(landing)
    return Placing(sensed, point, calibration.id if calibration else None, context.sigma_mm(landing))


def _ring(shot: Shot, landing: TimedReading | None, context: SessionContext) -> Ring | None:
    """The position on the face that it scored on, or beside the nearest one of its archer's; on another's if it hit that."""
    if (
        landing is None
        or (point := context.butt_point(landing)) is None
        or shot.diameter_mm is None
        or context.target is None
        or not context.target.faces
    ):
        return None
    faces = context.faces_of_slot(None if Flag.WRONG_FACE in shot.flags else shot.slot_id)
    scored = [face for face in context.target.faces if face.id == shot.face_id]
    face = min(scored or faces, key=lambda face: face.gap_to(point))
    from_centre = point.on_face(face.centre).radius
    edge = from_centre - shot.diameter_mm / 2
    lines = sorted(face.radii if face.x_radius is None else (*face.radii, face.x_radius))
    touched = [radius for radius in lines if edge <= radius + EDGE_TOLERANCE_MM]
    higher = [radius for radius in lines if radius not in touched]
    return Ring(
        face_id=face.id,
        face_version=face.version,
        from_centre_mm=from_centre,
        shaft_mm=shot.diameter_mm,
        edge_mm=edge,
        zone_mm=min(touched, default=None),
        higher_mm=max(higher, default=None),
        band_mm=context.parameters.line_call_sigmas * context.sigma_mm(landing),
    )
