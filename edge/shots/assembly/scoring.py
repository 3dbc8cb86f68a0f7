"""The value of a landing, from its position and from contact with another arrow.

The value is that of the highest zone which the shaft touches (World Archery Book 3, edition 2026, 12.2): a table radius is
the outer edge of its line, so a zone is touched when the shaft's inner edge lies within it.

An arrow that remains in the nock of another scores the value of the arrow that it struck (Book 3, 14.2.6.3 in the numbering
before 2026). Two shafts cannot stand closer together than they are thick, so an arrow that landed closer struck the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from uuid import UUID

from edge.common.frames import ButtPoint, FacePoint
from edge.common.vocabulary import Result
from edge.shots.assembly.context import Parameters, SessionContext
from edge.shots.assembly.coverage import bows_on_lane
from edge.shots.assembly.ends import End, TagPresence, closing_of
from edge.shots.assembly.model import Arrow, Face, ReadingKey, Target, TimedReading

EDGE_TOLERANCE_MM = 1e-6
"""Rounding error allowed to a shaft that exactly touches a line."""
DIAMETER_OUTDOORS_MM = 5.5
DIAMETER_INDOORS_MM = 9.3
"""Assumed shafts; 9.3 mm is the largest allowed (Book 3, 11.1.7.1 by way of FFTA B.3.1.7.1)."""
ARROWS_IN_SQUARE = 32
"""Arrows kept for contacts in one square of 10 mm. No more than four shafts fit; a sensor that chatters reports thousands."""


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one shot and its value."""

    result: Result
    points: int | None
    """None when there is no face to score on."""
    is_x: bool = False
    face_id: UUID | None = None
    face_version: int | None = None
    line_margin_mm: float | None = None
    """Distance of the shaft's edge to the nearest line; positive inside it."""
    line_call: bool = False
    """Nearer to a line than the sensor can resolve: the judge decides."""
    is_wrong_face: bool = False
    """It hit a face of another archer."""


def diameter_of(arrow: Arrow | None, context: SessionContext) -> float:
    """The diameter of an arrow's shaft, millimetres; an assumption where it is not known."""
    known = arrow.diameter_mm if arrow is not None else None
    return known or (DIAMETER_INDOORS_MM if context.is_indoor else DIAMETER_OUTDOORS_MM)


def score_landing(
    point: ButtPoint,
    diameter_mm: float,
    target: Target,
    parameters: Parameters,
    own: Collection[UUID] | None = None,
) -> Score:
    """Score a shaft of ``diameter_mm`` centred at a place of the butt.

    With the archer's ``own`` faces a hit on any other scores nothing (FFTA B.6.2.6.7, after Book 3).
    """
    if not (0.0 <= point.x <= target.width and 0.0 <= point.y <= target.height):
        return Score(Result.OFF_VIEW, 0)
    if not target.faces:
        return Score(Result.HIT, None)
    faces = [face for face in target.faces if own is None or face.id in own] or target.faces
    score = _best(point, diameter_mm, faces, parameters)
    if score.result is Result.HIT or len(faces) == len(target.faces):
        return score
    others = [face for face in target.faces if face not in faces]
    return replace(score, is_wrong_face=_best(point, diameter_mm, others, parameters).result is Result.HIT)


def is_of_bowless_slot(landing: TimedReading, context: SessionContext) -> bool:
    """Whether a landing hit the face of an archer without a device on the bow, while each bow on the lane is another archer's.

    No release is missing for it then, and only its tag can give it to one.
    """
    point = context.butt_point(landing)
    if not context.slots or point is None or context.target is None:
        return False
    bows = bows_on_lane(landing, context)
    if not bows or any(context.slot_of_bow(bow) is None for bow in bows):
        return False
    arrow = context.arrow_of(landing.tag) if landing.tag is not None else None
    score = score_landing(point, diameter_of(arrow, context), context.target, context.parameters)
    return context.slot_of_face(score.face_id) is not None


def _best(point: ButtPoint, diameter_mm: float, faces: Sequence[Face], parameters: Parameters) -> Score:
    places = [(face, point.on_face(face.centre)) for face in faces]
    scores = [
        (
            score := _on_face(place, diameter_mm, face, parameters),
            -(place.radius if score.face_id else face.gap_to(point)),
        )
        for face, place in places
    ]
    # Several spots: the highest value counts, and of equals the nearer centre; beside all of them the nearest outer line.
    best, _ = max(scores, key=lambda one: (one[0].points or 0, one[0].face_id is not None, one[0].is_x, one[1]))
    return best


def _on_face(place: FacePoint, diameter_mm: float, face: Face, parameters: Parameters) -> Score:
    edge = place.radius - diameter_mm / 2
    lines = face.radii if face.x_radius is None else (*face.radii, face.x_radius)
    margin = min((radius - edge for radius in lines), key=abs)
    call = abs(margin) < parameters.line_call_sigmas * parameters.sigma_mm
    for radius, points in zip(face.radii, face.points, strict=True):
        if edge <= radius + EDGE_TOLERANCE_MM:
            is_x = face.x_radius is not None and edge <= face.x_radius + EDGE_TOLERANCE_MM
            return Score(Result.HIT, face.x_worth if is_x else points, is_x, face.id, face.version, margin, call)
    return Score(Result.OFF_FACE, 0, face_id=None, line_margin_mm=margin, line_call=call)


@dataclass(frozen=True, slots=True)
class ScoredLanding:
    """A landing with its score by position alone."""

    landing: TimedReading
    diameter_mm: float
    score: Score


@dataclass(frozen=True, slots=True)
class Contact:
    """A landing beside another arrow, and its score by the rule."""

    struck: ReadingKey
    """The landing of the other arrow."""
    distance_mm: float
    score: Score


def find_contacts(
    landings: Iterable[ScoredLanding],
    presences: Sequence[TagPresence],
    ends: Sequence[End],
    context: SessionContext,
) -> dict[ReadingKey, Contact]:
    """The landings near an arrow that was in the butt, by the landing's key."""
    left_at = {p.landing: p.until for p in presences if p.landing is not None and p.until is not None}
    in_butt = _ArrowsByPlace(context.parameters.contact_mm)
    found: dict[ReadingKey, Contact] = {}
    for one in sorted(landings, key=lambda one: (one.landing.t, one.landing.key)):
        point, t = context.butt_point(one.landing), one.landing.t
        if point is None or one.score.result not in (Result.HIT, Result.OFF_FACE):
            continue
        score = one.score
        if (nearest := in_butt.nearest(one.landing.key.device_id, point, t)) is not None:
            distance, other = nearest
            score = _score_of_contact(one, other, distance)
            found[one.landing.key] = Contact(other.landing.key, distance, score)
        until = left_at.get(one.landing.key, closing_of(ends, t))
        in_butt.add(replace(one, score=score), point, until)
    return found


class _ArrowsByPlace:
    """The arrows in the butts by squares as wide as the contact distance: near ones lie in the same square or beside it."""

    def __init__(self, contact_mm: float) -> None:
        self._contact_mm = contact_mm
        self._squares: dict[tuple[str, int, int], deque[tuple[ScoredLanding, ButtPoint, float]]] = {}

    def add(self, one: ScoredLanding, point: ButtPoint, until: float) -> None:
        """Add an arrow that stays in the butt until an instant."""
        square = (one.landing.key.device_id, *self._square_of(point))
        self._squares.setdefault(square, deque(maxlen=ARROWS_IN_SQUARE)).append((one, point, until))

    def nearest(self, device: str, point: ButtPoint, t: float) -> tuple[float, ScoredLanding] | None:
        """The distance to the nearest arrow that stands in a target at ``t``, and that arrow; None without one in reach."""
        column, row = self._square_of(point)
        near = [
            (point.distance_to(place), one)
            for x, y in product((column - 1, column, column + 1), (row - 1, row, row + 1))
            for one, place, until in self._squares.get((device, x, y), ())
            if until > t
        ]
        near = [pair for pair in near if pair[0] <= self._contact_mm]
        return min(near, key=lambda pair: (pair[0], pair[1].landing.key)) if near else None

    def _square_of(self, point: ButtPoint) -> tuple[int, int]:
        return int(point.x // self._contact_mm), int(point.y // self._contact_mm)


def _score_of_contact(one: ScoredLanding, other: ScoredLanding, distance_mm: float) -> Score:
    struck = other.score
    if distance_mm >= (one.diameter_mm + other.diameter_mm) / 2 or one.score.is_wrong_face:
        return one.score
    if struck.is_wrong_face:
        return replace(one.score, line_call=True)
    return replace(
        one.score,
        result=struck.result,
        points=struck.points,
        is_x=struck.is_x,
        face_id=struck.face_id,
        face_version=struck.face_version,
        line_call=one.score.line_call or one.score.points != struck.points,
    )
