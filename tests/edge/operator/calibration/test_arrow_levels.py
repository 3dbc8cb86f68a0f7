"""The power of an arrow scanner follows from the reads at each power."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.operator.calibration.arrow_levels import (
    LevelCounts,
    LevelReads,
    choose,
    lone_tag,
    others_from,
    why_none,
)
from edge.operator.commands import Value

PAD, FAR = "e280116060000205", "00112233445566778899aabbccddeeff"


def level(power: float, pad: int, far: int = 0) -> LevelReads:
    return LevelReads(power, 50, pad, {FAR: far} if far else {})


@pytest.mark.parametrize(
    ("levels", "chosen"),
    [
        ([level(5, 0), level(6, 47), level(7, 48), level(8, 50), level(9, 50, 1)], 8),
        ([level(7, 48), level(8, 47), level(9, 50, 1)], 7),  # 47 of 50 are 94 %
        ([level(7, 50), level(8, 50, 1), level(9, 50)], 9),
        ([level(7, 47), level(8, 50, 1)], None),
        ([level(7, 47), level(8, 47)], None),
        ([], None),
    ],
)
def test_the_highest_right_power_is_chosen(levels: list[LevelReads], chosen: float | None) -> None:
    found = choose(levels)
    assert (None if found is None else found.power_dbm) == chosen


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=22))
def test_no_other_choice_is_better(reads: list[tuple[int, int]]) -> None:
    levels = [level(5.0 + number, pad, far) for number, (pad, far) in enumerate(reads)]
    found = choose(levels)
    right = [one.power_dbm for one in levels if one.pad >= 48 and not one.others]
    assert (None if found is None else found.power_dbm) == max(right, default=None)
    if levels and found is None:
        reason, hint = why_none(levels, PAD)
        assert ("another tag was read from" in reason) == any(one.is_read for one in levels)
        assert ("never answered" in reason) == (not any(one.pad for one in levels))
        assert hint.endswith(".")


def test_a_refusal_names_the_cause_and_the_power() -> None:
    weak, _ = why_none([level(25, 30), level(26, 40, 1)], PAD)
    assert weak == "the tag on the pad was read in at most 40 of 50 rounds, at 26 dBm; 95% are needed"
    crowded, hint = why_none([level(8, 40), level(9, 40, 1), level(10, 50, 5)], PAD)
    assert crowded == "another tag was read from 9 dBm on, and the tag on the pad reliably only from 10 dBm on"
    assert "Put all other tags farther away" in hint
    assert others_from([level(8, 40)]) is None
    silent, hint = why_none([level(8, 0)], PAD)
    assert silent == f"tag {PAD} never answered, and no other did"
    assert "Lay that tag on the pad" in hint
    many = LevelReads(8, 50, 0, {f"{number:04x}": 50 - number for number in range(5)})
    wrong, hint = why_none([many], PAD)
    assert wrong == f"tag {PAD} never answered; these did: 0000, 0001, 0002 and 2 more"
    assert "Correct --tag" in hint


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        ([{}, {PAD: 1}, {PAD: 50, FAR: 1}], PAD),
        ([{PAD: 3, FAR: 1}, {PAD: 9}], None),
        ([{}, {}], None),
        ([], None),
    ],
)
def test_the_tag_that_answers_alone_first_is_on_the_pad(reads: list[dict[str, int]], found: str | None) -> None:
    assert lone_tag([LevelCounts(5.0 + number, 50, one) for number, one in enumerate(reads)]) == found


def test_counts_are_read_from_a_result() -> None:
    counts = LevelCounts.from_result({"rounds": 50, "power_dbm": 12, PAD: 49, FAR: 0, "note": 7, "abc": 1, "beef": "x"})
    assert counts == LevelCounts(12.0, 50, {PAD: 49})
    assert counts.beside(PAD) == LevelReads(12.0, 50, 49, {})
    assert counts.beside(None) == LevelReads(12.0, 50, 0, {PAD: 49})
    wrongs: list[dict[str, Value]] = [{}, {"rounds": 0, "power_dbm": 1.0}, {"rounds": 5, "power_dbm": "x"}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="no rounds"):
            LevelCounts.from_result(wrong)
