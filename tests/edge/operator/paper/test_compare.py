"""Ends on paper beside those of the sensors, by values and by sum."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.config.errors import UsageError
from edge.common.vocabulary import CalledValue, Result
from edge.operator.paper.compare import ComparedEnd, PaperEnd, compare_ends, parse_values
from tests.edge.operator.export.sheets import ARCHERS, sheet
from tests.edge.statistics.session_rows import shot

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


def paper(number: int, end: int, *values: str, slot: str | None = None) -> PaperEnd:
    return PaperEnd(number, slot, end, values, "Bea", AT)


def differences(end: ComparedEnd) -> tuple[object, ...]:
    return end.only_on_paper, end.only_sensed, end.paper_sum, end.sensed_sum, end.agrees


def test_values_are_read_as_people_write_them() -> None:
    assert parse_values("9, x,M 10") == ["X", "10", "9", "M"]
    for text, wrong in (("X,11", "'11'"), ("", "''"), ("0", "'0'"), ("10;9", "'10;9'")):
        with pytest.raises(UsageError, match=wrong):
            parse_values(text)


@given(st.lists(st.sampled_from(CalledValue), min_size=1, max_size=12))
def test_the_same_values_in_any_order_agree(values: list[CalledValue]) -> None:
    shots = [
        shot(i, 0, dx=None, result=Result.MISS)
        if one is CalledValue.MISS
        else shot(i, 10 if one is CalledValue.X else int(one), is_x=one is CalledValue.X)
        for i, one in enumerate(values)
    ]
    (end,) = compare_ends(sheet(*shots), [paper(1, 1, *reversed(values))])
    assert end.agrees
    assert (end.only_on_paper, end.only_sensed) == ([], [])


def test_another_value_is_a_difference_with_both_sums() -> None:
    source = sheet(shot(1, 10, is_x=True), shot(2, 9), shot(3, 9), shot(4, None, dx=None, result=Result.UNKNOWN))
    (end,) = compare_ends(source, [paper(1, 1, "10", "10", "9", "M")])
    assert differences(end) == (["10", "10", "M"], ["X", "9"], 29, 28, False)
    assert end.undecided == 1
    (equal_sum,) = compare_ends(source, [paper(1, 1, "10", "9", "9")])
    assert differences(equal_sum) == (["10"], ["X"], 28, 28, False)


def test_the_newest_entry_is_valid_and_other_ends_wait() -> None:
    source = sheet(shot(1, 9, end=1), shot(2, 8, end=2), sighters=1)
    one, two, three = compare_ends(source, [paper(1, 2, "9"), paper(2, 2, "8"), paper(3, 3, "M")])
    assert (one.paper, one.agrees, one.is_sighter) == (None, None, True)
    assert two.paper is not None
    assert (two.paper.id, two.agrees) == (2, True)
    assert differences(three) == (["M"], [], 0, 0, False)


def test_archers_are_compared_by_slot() -> None:
    source = sheet(shot(1, 9, slot="A"), shot(2, 8, slot="B"), shot(3, 7), places=ARCHERS)
    found = compare_ends(source, [paper(1, 1, "9", slot="A"), paper(2, 1, "9", slot="B")])
    assert [(end.slot, end.agrees) for end in found] == [("A", True), ("B", False), (None, None)]
