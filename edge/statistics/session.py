"""All statistics of one session: sums, ends, group, sight and arrows, as page, commands and HTTP API show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.common.frames import ButtPoint, FacePoint
from edge.common.vocabulary import Flag, Result
from edge.statistics.arrows import ArrowBias, arrow_biases
from edge.statistics.group import (
    EYE_TO_SIGHT_M,
    SPREAD_FROM,
    TREND_FROM,
    Group,
    SightCorrection,
    group,
    sight_correction,
)
from edge.statistics.model import SessionFacts, ShotFacts
from edge.statistics.scores import EndTotals, Totals, end_totals, session_totals, totals


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """One archer of a butt that several share."""

    letter: str
    totals: Totals
    best_points: int | None
    """Most points that the scored arrows could have; None without a face."""
    group: Group | None
    sight: SightCorrection | None


@dataclass(frozen=True, slots=True)
class ArrowStatistics:
    """One arrow of the session: its sums, and its place relative to the other arrows of its archer."""

    arrow_id: UUID | None
    arrow_tag: str | None
    name: str | None
    """Name of a registered arrow; an unknown one has only its tag."""
    slot: str | None
    """Letter of its archer's place, on a butt that several archers share."""
    totals: Totals
    bias: ArrowBias


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """The statistics of one session. Sighters are in the list of ends and in no other number."""

    totals: Totals
    best_points: int | None
    """Most points that the scored arrows could have; None without a face."""
    ends: tuple[EndTotals, ...]
    group: Group | None
    """None without an arrow that has a place, and on a butt that several archers share: each has an own group."""
    sight: SightCorrection | None
    """None while no spread is known, without a distance, and without a group."""
    slots: tuple[SlotStatistics, ...]
    """The archers who have shot, by letter; empty on a butt without slots."""
    arrows: tuple[ArrowStatistics, ...]
    """Arrows in the order of their first shot; shots whose arrow was not read belong to none."""
    spread_from: int = SPREAD_FROM
    """Arrows from which a spread is shown."""
    trend_from: int = TREND_FROM
    """Arrows from which a trend is shown."""


def session_statistics(session: SessionFacts, eye_to_sight_m: float = EYE_TO_SIGHT_M) -> SessionStatistics:
    """Return the statistics of a session. ``eye_to_sight_m`` is the archer's length from the eye to the sight, metres."""
    counting = [shot for shot in session.shots if shot.is_shot and not session.is_sighter(shot)]
    is_shared = session.is_shared
    found = None if is_shared else _group(counting, session)
    by_slot = {letter: [shot for shot in counting if shot.slot == letter] for letter in (*session.letters, None)}
    sections = list(by_slot.values()) if is_shared else [counting]
    return SessionStatistics(
        totals=session_totals(session),
        best_points=sum(_best(slot, shots, session) for slot, shots in by_slot.items()) if session.faces else None,
        ends=end_totals(session),
        group=found,
        sight=_sight(found, session, eye_to_sight_m),
        slots=tuple(_slot(letter, by_slot[letter], session, eye_to_sight_m) for letter in session.letters),
        arrows=tuple(arrow for shots in sections for arrow in _arrows(shots, session)),
    )


def _slot(letter: str, shots: Sequence[ShotFacts], session: SessionFacts, eye_to_sight_m: float) -> SlotStatistics:
    found = _group(shots, session)
    best = _best(letter, shots, session) if session.faces else None
    return SlotStatistics(letter, totals(shots), best, found, _sight(found, session, eye_to_sight_m))


def _group(shots: Sequence[ShotFacts], session: SessionFacts) -> Group | None:
    return group([place for shot in shots if (place := located(shot, session)) is not None])


def _sight(found: Group | None, session: SessionFacts, eye_to_sight_m: float) -> SightCorrection | None:
    if found is None or session.distance_m is None:
        return None
    return sight_correction(found, session.distance_m, eye_to_sight_m)


def _best(slot: str | None, shots: Sequence[ShotFacts], session: SessionFacts) -> int:
    """Return the most that the scored arrows of one archer could have; an arrow has scored more only by a judge."""
    most = max([face.best for face in session.faces_of(slot)] + [shot.points or 0 for shot in shots])
    return most * totals(shots).scored


def located(shot: ShotFacts, session: SessionFacts) -> FacePoint | None:
    """Return the place of a shot from the middle of the face it hit, else of the nearest one that its archer shoots at.

    So the spots of a multiple face form one group. None for a shot without a place on the butt, for one on the face of another
    archer, and without faces.
    """
    if shot.x_mm is None or shot.y_mm is None or shot.result is Result.OFF_VIEW or not session.faces:
        return None
    if Flag.WRONG_FACE in shot.flags:
        return None
    place = ButtPoint(shot.x_mm, shot.y_mm)
    hit = next((face for face in session.faces if face.id == shot.face_id), None)
    face = hit or min(session.faces_of(shot.slot), key=lambda one: place.distance_to(one.centre))
    return place.on_face(face.centre)


def _arrows(counting: Sequence[ShotFacts], session: SessionFacts) -> tuple[ArrowStatistics, ...]:
    flown: dict[str, list[ShotFacts]] = {}
    for shot in counting:
        if shot.arrow is not None:
            flown.setdefault(shot.arrow, []).append(shot)
    places: Mapping[str, Sequence[FacePoint]] = {
        arrow: [place for shot in shots if (place := located(shot, session)) is not None]
        for arrow, shots in flown.items()
    }
    biases, is_shared = arrow_biases(places), session.is_shared
    return tuple(
        ArrowStatistics(
            arrow_id=shots[-1].arrow_id,
            arrow_tag=shots[-1].arrow_tag,
            name=shots[-1].arrow_name,
            slot=shots[-1].slot if is_shared else None,
            totals=totals(shots),
            bias=biases[arrow],
        )
        for arrow, shots in flown.items()
    )
