"""The sheet of a session: each shot as a row, and the ends of each archer as on a score sheet. Pure: values in, rows out.

Sums and order of the values are those of ``edge.statistics``, archer by archer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from edge.common.frames import ButtPoint, FacePoint
from edge.common.vocabulary import CalledValue, Result, SessionState
from edge.statistics import EndTotals, SessionFacts, ShotFacts, Totals, end_totals, session_totals

UNDECIDED = "?"
"""Value of an arrow that is in flight or unknown."""
UNSCORED = "•"
"""Value of a hit on a butt without a scoring face."""
_MISSED = frozenset((Result.MISS, Result.OFF_FACE, Result.OFF_VIEW))


@dataclass(frozen=True, slots=True)
class Place:
    """One archer's place at the butt; letter and names are None on a butt without slots."""

    letter: str | None = None
    archer: str | None = None
    face: str | None = None
    """Code of the face, such as ``wa_122``."""


@dataclass(frozen=True, slots=True)
class SheetHead:
    """The session that a sheet is of."""

    session_id: UUID
    lane: int
    state: SessionState
    start_time: datetime
    end_time: datetime | None
    location: str
    is_indoor: bool
    distance_m: float | None
    faces: Sequence[str]
    """Codes of the faces on the butt."""
    arrows_per_end: int
    sighter_ends: int
    rule_set: str
    rule_set_version: int
    places: Sequence[Place] = ()
    """The slots, by letter."""


@dataclass(frozen=True, slots=True)
class LastCorrection:
    """The correction that gave a shot its present value."""

    at: datetime
    who: str
    reason: str
    old: Mapping[str, object]
    new: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ShotDetails:
    """All of a shot that its statistics need not know. Instants are aware UTC."""

    engaged_at: datetime | None = None
    released_at: datetime | None = None
    landed_at: datetime | None = None
    face: str | None = None
    """Name of the face that was hit."""
    flight_s: float | None = None
    speed_mps: float | None = None
    """Mean speed over the flight."""
    launch_mps: float | None = None
    line_margin_mm: float | None = None
    line_call: bool = False
    shaft_mm: float | None = None
    shaft_assumed: bool = True
    flags: Sequence[str] = ()
    void_reason: str | None = None
    correction: LastCorrection | None = None


@dataclass(frozen=True, slots=True)
class SheetSource:
    """Everything that a sheet is made of, of one instant."""

    head: SheetHead
    facts: SessionFacts
    details: Mapping[UUID, ShotDetails] = field(default_factory=dict)

    def of_place(self, letter: str | None) -> SessionFacts:
        """The same session with the shots of one archer; of no slot for None."""
        return replace(self.facts, shots=tuple(shot for shot in self.facts.shots if shot.slot == letter))

    @property
    def places(self) -> Sequence[Place]:
        """The archers' places by letter, then the shots that belong to none, if there are any."""
        known = {place.letter: place for place in self.head.places}
        letters = {*known, *(shot.slot for shot in self.facts.shots if shot.is_shot)} or {None}
        return [
            known.get(letter, Place(letter)) for letter in sorted(letters, key=lambda one: (one is None, one or ""))
        ]


@dataclass(frozen=True, slots=True)
class ShotRow:
    """One shot of the sheet."""

    number: int
    """Number in the order of release, from 1; void rows and let-downs have one too."""
    id: UUID
    slot: str | None
    archer: str | None
    end_number: int | None
    """Number of its end, sighter ends included, as everywhere in the database."""
    end: int | None
    """Number of its end on the score sheet; None for sighters and for a shot of no end."""
    is_sighter: bool
    is_surplus: bool
    """It keeps its value and counts in no total."""
    counts: bool
    """Whether it adds to the totals."""
    value: str | None
    """As called: X, 10 to 1, M; ``?`` while it is not known; None for a let-down and a void row."""
    points: int | None
    is_x: bool
    result: Result
    arrow: str | None
    """Name of a registered arrow."""
    arrow_tag: str | None
    at_face: FacePoint | None
    """Place relative to the centre of the face that was hit, else of the nearest one."""
    shot: ShotFacts
    details: ShotDetails


@dataclass(frozen=True, slots=True)
class EndRow:
    """One end of one archer, as on a score sheet."""

    slot: str | None
    archer: str | None
    end_number: int | None
    """Number in the session, sighter ends included; None for the shots that belong to no end."""
    end: int | None
    """Number on the score sheet, from 1; None for sighters."""
    is_sighter: bool
    values: Sequence[str]
    """Values of the counting arrows, the highest first, X before 10, M and then undecided ones last."""
    surplus: Sequence[str]
    """Values of the arrows that count in no total."""
    sum: int
    running: int | None
    """Points up to and with this end; None for sighters."""
    tens: int
    """Arrows of value 10, X included."""
    xs: int
    undecided: int


@dataclass(frozen=True, slots=True)
class ArcherSheet:
    """The ends of one archer with their totals."""

    place: Place
    ends: Sequence[EndRow]
    totals: Totals
    """Without sighters."""
    tens: int


def value_text(shot: ShotFacts) -> str | None:
    """The value as it is called; see :attr:`ShotRow.value`."""
    if not shot.is_shot:
        return None
    if not shot.is_decided:
        return UNDECIDED
    if shot.is_x:
        return CalledValue.X
    if shot.result in _MISSED or shot.points == 0:
        return CalledValue.MISS
    return UNSCORED if shot.points is None else str(shot.points)


def shot_rows(source: SheetSource) -> list[ShotRow]:
    """Each shot of the session, in the order of release."""
    archers = {place.letter: place.archer for place in source.places}
    return [_shot_row(number, shot, source, archers) for number, shot in enumerate(source.facts.shots, 1)]


def archer_sheets(source: SheetSource) -> list[ArcherSheet]:
    """The ends of each archer, by slot."""
    return [_archer_sheet(place, source) for place in source.places]


def end_rows(source: SheetSource) -> list[EndRow]:
    """All ends, archer by archer."""
    return [end for sheet in archer_sheets(source) for end in sheet.ends]


def from_face(shot: ShotFacts, facts: SessionFacts) -> FacePoint | None:
    """The place of a landing relative to the face it hit, else to the nearest one that its archer shoots at."""
    if shot.x_mm is None or shot.y_mm is None or not facts.faces:
        return None
    place = ButtPoint(shot.x_mm, shot.y_mm)
    hit = next((face for face in facts.faces if face.id == shot.face_id), None)
    face = hit or min(facts.faces_of(shot.slot), key=lambda one: place.distance_to(one.centre))
    return place.on_face(face.centre)


def _shot_row(number: int, shot: ShotFacts, source: SheetSource, archers: Mapping[str | None, str | None]) -> ShotRow:
    facts = source.facts
    is_sighter = facts.is_sighter(shot)
    return ShotRow(
        number=number,
        id=shot.id,
        slot=shot.slot,
        archer=archers.get(shot.slot),
        end_number=shot.end_number,
        end=_scored_number(shot.end_number, facts.sighter_ends),
        is_sighter=is_sighter,
        is_surplus=shot.is_surplus,
        counts=shot.is_shot and not is_sighter and not shot.is_surplus,
        value=value_text(shot),
        points=shot.points,
        is_x=shot.is_x,
        result=shot.result,
        arrow=shot.arrow_name,
        arrow_tag=shot.arrow_tag,
        at_face=from_face(shot, facts),
        shot=shot,
        details=source.details.get(shot.id, ShotDetails()),
    )


def _archer_sheet(place: Place, source: SheetSource) -> ArcherSheet:
    own = source.of_place(place.letter)
    shots = {shot.id: shot for shot in own.shots}
    ends = [_end_row(place, end, [shots[one] for one in end.shots], own) for end in end_totals(own)]
    return ArcherSheet(place, ends, session_totals(own), sum(end.tens for end in ends if not end.is_sighter))


def _end_row(place: Place, end: EndTotals, shots: Sequence[ShotFacts], own: SessionFacts) -> EndRow:
    counted = [shot for shot in shots if not shot.is_surplus]
    values = [str(value_text(shot)) for shot in counted]
    return EndRow(
        slot=place.letter,
        archer=place.archer,
        end_number=end.number,
        end=_scored_number(end.number, own.sighter_ends),
        is_sighter=end.is_sighter,
        values=values,
        surplus=[str(value_text(shot)) for shot in shots if shot.is_surplus],
        sum=end.totals.points,
        running=end.running,
        tens=sum(1 for value in values if value in (CalledValue.X, CalledValue.TEN)),
        xs=end.totals.xs,
        undecided=end.totals.undecided,
    )


def _scored_number(end_number: int | None, sighter_ends: int) -> int | None:
    return None if end_number is None or end_number <= sighter_ends else end_number - sighter_ends
