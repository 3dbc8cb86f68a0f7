"""Compare ends on paper with those of the sensors. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.common.config.errors import UsageError
from edge.common.vocabulary import CalledValue
from edge.operator.export.sheet import UNDECIDED, UNSCORED, EndRow, SheetSource, archer_sheets

_ORDER = {value: place for place, value in enumerate(CalledValue)}
_TEN = 10


@dataclass(frozen=True, slots=True)
class PaperEnd:
    """One entry of an end, as it was called."""

    id: int
    slot: str | None
    end_number: int
    """Number in the session, sighter ends included."""
    values: Sequence[str]
    """Highest first."""
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ComparedEnd:
    """One end of one archer on paper and by the sensors."""

    slot: str | None
    end_number: int
    is_sighter: bool
    paper: PaperEnd | None
    """The newest entry; None for an end that is not on paper."""
    paper_sum: int | None
    sensed_values: Sequence[str]
    """Values of the counting arrows, highest first."""
    sensed_sum: int
    only_on_paper: Sequence[str]
    """Values on paper that no arrow of the sensors has."""
    only_sensed: Sequence[str]
    undecided: int
    """Arrows that the sensors have not decided."""
    agrees: bool | None
    """Whether values and sums are equal; None for an end that is not on paper."""


def parse_values(text: str) -> list[CalledValue]:
    """The values that a text like ``X,10,9`` or ``x 10 9 m`` lists, highest first. Raises UsageError."""
    words = text.replace(",", " ").upper().split()
    known = {value.value for value in CalledValue}
    wrong = [word for word in words if word not in known]
    if wrong or not words:
        given = f"'{wrong[0]}'" if wrong else f"'{text}'"
        raise UsageError(
            f"{given} is no value of an arrow",
            hint="Give X, 10 to 1 or M for each arrow, such as X,10,9.",
            field="values",
        )
    return sorted(map(CalledValue, words), key=_ORDER.__getitem__)


def highest_first(values: Iterable[CalledValue]) -> list[CalledValue]:
    """Values in the order in which they are called."""
    return sorted(values, key=_ORDER.__getitem__)


def points_of(values: Iterable[str], x_points: int) -> int:
    """The sum of called values, with that of an X by the rules and the archer's face."""
    worth = {CalledValue.X: x_points, CalledValue.MISS: 0}
    return sum(worth[CalledValue(value)] if value in worth else int(value) for value in values)


def compare_ends(source: SheetSource, entries: Iterable[PaperEnd]) -> list[ComparedEnd]:
    """Each end that is on paper or has shots, archer by archer."""
    newest = valid_entries(entries)
    sensed = {
        (end.slot, end.end_number): end
        for sheet in archer_sheets(source)
        for end in sheet.ends
        if end.end_number is not None
    }
    keys = sorted({*newest, *sensed}, key=_place)
    return [_compare(key, newest.get(key), sensed.get(key), source) for key in keys]


def valid_entries(entries: Iterable[PaperEnd]) -> dict[tuple[str | None, int], PaperEnd]:
    """The entry of each slot and end that is on paper: the newest one, unless it withdraws those before."""
    newest = {(entry.slot, entry.end_number): entry for entry in entries}
    return {key: entry for key, entry in newest.items() if entry.values}


def last_end(source: SheetSource, entries: Iterable[PaperEnd]) -> int:
    """The number of the session's last end by the sensors or on paper; 0 before the first."""
    shot = [one.end_number for one in source.facts.shots if one.is_shot and one.end_number is not None]
    return max([0, *shot, *(number for _, number in valid_entries(entries))])


def _place(key: tuple[str | None, int]) -> tuple[bool, str, int]:
    return key[0] is None, key[0] or "", key[1]


def _compare(
    key: tuple[str | None, int], paper: PaperEnd | None, sensed: EndRow | None, source: SheetSource
) -> ComparedEnd:
    slot, number = key
    values = [] if sensed is None else [value for value in sensed.values if value not in (UNDECIDED, UNSCORED)]
    sensed_sum = 0 if sensed is None else sensed.sum
    undecided = 0 if sensed is None else sensed.undecided
    called = [] if paper is None else list(paper.values)
    paper_sum = None if paper is None else points_of(called, x_points_of(slot, source))
    return ComparedEnd(
        slot=slot,
        end_number=number,
        is_sighter=number <= source.facts.sighter_ends,
        paper=paper,
        paper_sum=paper_sum,
        sensed_values=values,
        sensed_sum=sensed_sum,
        only_on_paper=_beyond(called, values),
        only_sensed=[] if paper is None else _beyond(values, called),
        undecided=undecided,
        agrees=None if paper is None else Counter(called) == Counter(values) and paper_sum == sensed_sum,
    )


def _beyond(values: Sequence[str], others: Sequence[str]) -> list[str]:
    """The values without those that the others have too, each as often as there."""
    left = Counter(others)
    beyond = []
    for value in values:
        if left[value]:
            left[value] -= 1
        else:
            beyond.append(value)
    return beyond


def x_points_of(slot: str | None, source: SheetSource) -> int:
    """The points of an X on the face of a slot."""
    return max((face.best for face in source.facts.faces_of(slot)), default=_TEN)
