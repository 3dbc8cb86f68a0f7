"""All statistics of one session: sums, ends, group, sight and arrows, as page, commands and HTTP API show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.common.vocabulary import Flag, Result
from edge.statistics.arrows import ArrowBias, arrow_biases
from edge.statistics.group import (
    EYE_TO_SIGHT_M,
    SPREAD_FROM,
    TREND_FROM,
    Group,
    Point,
    SightCorrection,
    group,
    sight_correction,
)
from edge.statistics.model import FaceFacts, SessionFacts, ShotFacts
from edge.statistics.scores import EndTotals, Totals, end_totals, session_totals, totals


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """One archer of a butt that several share."""

    letter: str
    totals: Totals
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
    """The archers whose shots count, by letter; empty on a butt without slots."""
    arrows: tuple[ArrowStatistics, ...]
    """Arrows in the order of their first shot; shots whose arrow was not read belong to none."""
    spread_from: int = SPREAD_FROM
    """Arrows from which a spread is shown."""
    trend_from: int = TREND_FROM
    """Arrows from which a trend is shown."""


def session_statistics(session: SessionFacts, eye_to_sight_m: float = EYE_TO_SIGHT_M) -> SessionStatistics:
    """Return the statistics of a session. ``eye_to_sight_m`` is the archer's length from the eye to the sight, metres."""
    counting = [shot for shot in session.shots if shot.is_shot and not session.is_sighter(shot)]
    letters = sorted({shot.slot for shot in counting if shot.slot is not None})
    is_shared = len(letters) > 1
    found = None if is_shared else _group(counting, session)
    archers = [*letters, None] if is_shared else []
    sections = [[shot for shot in counting if shot.slot == letter] for letter in archers] or [counting]
    sums = session_totals(session)
    return SessionStatistics(
        totals=sums,
        best_points=sums.scored * _best(session) if session.faces else None,
        ends=end_totals(session),
        group=found,
        sight=_sight(found, session, eye_to_sight_m),
        slots=tuple(_slot(letter, counting, session, eye_to_sight_m) for letter in letters),
        arrows=tuple(arrow for shots in sections for arrow in _arrows(shots, session.faces, is_shared=is_shared)),
    )


def _slot(letter: str, counting: Sequence[ShotFacts], session: SessionFacts, eye_to_sight_m: float) -> SlotStatistics:
    shots = [shot for shot in counting if shot.slot == letter]
    found = _group(shots, session)
    return SlotStatistics(letter, totals(shots), found, _sight(found, session, eye_to_sight_m))


def _group(shots: Sequence[ShotFacts], session: SessionFacts) -> Group | None:
    return group([place for shot in shots if (place := located(shot, session.faces)) is not None])


def _sight(found: Group | None, session: SessionFacts, eye_to_sight_m: float) -> SightCorrection | None:
    if found is None or session.distance_m is None:
        return None
    return sight_correction(found, session.distance_m, eye_to_sight_m)


def _best(session: SessionFacts) -> int:
    """Return the most that one arrow can score, or has scored by a judge."""
    return max([face.best for face in session.faces] + [shot.points or 0 for shot in session.shots])


def located(shot: ShotFacts, faces: Sequence[FaceFacts]) -> Point | None:
    """Return the place of a shot from the middle of the face it hit, else of the nearest one.

    So the spots of a multiple face form one group. None for a shot without a place on the butt, for one on the face of another
    archer, and without faces.
    """
    if shot.x_mm is None or shot.y_mm is None or shot.result is Result.OFF_VIEW or not faces:
        return None
    if Flag.WRONG_FACE in shot.flags:
        return None
    x, y = shot.x_mm, shot.y_mm
    own = next((face for face in faces if face.id == shot.face_id), None)
    face = own or min(faces, key=lambda one: math.hypot(x - one.x_mm, y - one.y_mm))
    return Point(x - face.x_mm, y - face.y_mm)


def _arrows(
    counting: Sequence[ShotFacts], faces: Sequence[FaceFacts], *, is_shared: bool
) -> tuple[ArrowStatistics, ...]:
    flown: dict[str, list[ShotFacts]] = {}
    for shot in counting:
        if shot.arrow is not None:
            flown.setdefault(shot.arrow, []).append(shot)
    places: Mapping[str, Sequence[Point]] = {
        arrow: [place for shot in shots if (place := located(shot, faces)) is not None]
        for arrow, shots in flown.items()
    }
    biases = arrow_biases(places)
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
