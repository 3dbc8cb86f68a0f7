"""The sheet of a session: each shot once, and sums that equal those of the statistics."""

from __future__ import annotations

from collections import Counter

from hypothesis import given

from edge.common.vocabulary import Flag, Result
from edge.operator.export.sheet import SheetSource, archer_sheets, end_rows, shot_rows, value_text
from edge.statistics import session_totals
from tests.edge.operator.export.sheets import ARCHERS, any_sheet, of_ends, sheet
from tests.edge.statistics.session_rows import shot

RANK = {"X": 11, "M": 0, "?": -1}


@given(any_sheet())
def test_every_shot_is_in_the_sheet_exactly_once(source: SheetSource) -> None:
    rows = shot_rows(source)
    assert [row.id for row in rows] == [one.id for one in source.facts.shots]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    in_ends = sum(len(end.values) + len(end.surplus) for end in end_rows(source))
    assert in_ends == sum(one.is_shot for one in source.facts.shots)


@given(any_sheet())
def test_sums_equal_those_of_the_statistics(source: SheetSource) -> None:
    totals, sheets = session_totals(source.facts), archer_sheets(source)
    assert sum(one.totals.points for one in sheets) == totals.points
    assert sum(one.totals.arrows for one in sheets) == totals.arrows
    assert sum(one.totals.xs for one in sheets) == totals.xs
    rows = shot_rows(source)
    assert sum(row.points or 0 for row in rows if row.counts and row.shot.is_decided) == totals.points
    for one in sheets:
        scored = [end for end in one.ends if not end.is_sighter]
        assert sum(end.sum for end in scored) == one.totals.points
        assert [end.running for end in scored][-1:] == [one.totals.points][: len(scored)]


@given(any_sheet())
def test_values_of_an_end_descend(source: SheetSource) -> None:
    for end in end_rows(source):
        ranks = [RANK.get(value, -2) if value in RANK else int(value) for value in end.values]
        assert ranks == sorted(ranks, reverse=True)
        values = Counter(end.values)
        assert (end.xs, end.tens, end.undecided) == (values["X"], values["X"] + values["10"], values["?"])


def test_sighters_and_surplus_arrows_are_marked() -> None:
    source = sheet(
        shot(1, 9, end=1), shot(2, 8, end=2), shot(3, 10, end=2, flags=frozenset((Flag.EXTRA,))),
        shot(4, None, end=2, result=Result.VOID), shot(5, None, end=None, result=Result.NOT_SHOT, dx=None), sighters=1,
    )  # fmt: skip
    rows = shot_rows(source)
    assert [(row.end_number, row.end, row.is_sighter, row.is_surplus, row.counts, row.value) for row in rows] == [
        (1, None, True, False, False, "9"),
        (2, 1, False, False, True, "8"),
        (2, 1, False, True, False, "10"),
        (2, 1, False, False, False, None),
        (None, None, False, False, False, None),
    ]
    sighters, scored = end_rows(source)
    assert (sighters.end, sighters.sum, sighters.running) == (None, 9, None)
    assert (scored.end, scored.values, scored.surplus, scored.sum, scored.running) == (1, ["8"], ["10"], 8, 8)


def test_each_archer_has_a_sheet_and_so_have_shots_of_no_slot() -> None:
    source = sheet(shot(1, 9, slot="B"), shot(2, 10, slot="B", is_x=True), shot(3, 7), places=ARCHERS)
    found = archer_sheets(source)
    assert [(one.place.letter, one.place.archer, one.totals.points, one.tens) for one in found] == [
        ("A", "Kim", 0, 0),
        ("B", "Ünal <b>", 19, 1),
        (None, None, 7, 0),
    ]
    assert found[1].ends[0].values == ["X", "9"]
    whole = archer_sheets(of_ends(3, 6, "ABCD"))
    assert [one.totals.points for one in whole] == [150, 150, 150, 150]
    assert [end.running for end in whole[3].ends] == [50, 100, 150]


def test_values_are_written_as_they_are_called() -> None:
    values = [
        shot(1, 10, is_x=True), shot(2, 10), shot(3, 0), shot(4, 0, result=Result.OFF_FACE), shot(5, 0, result=Result.OFF_VIEW),
        shot(6, 0, dx=None, result=Result.MISS), shot(7, None), shot(8, None, result=Result.PENDING, dx=None),
        shot(9, None, result=Result.UNKNOWN, dx=None), shot(10, None, result=Result.NOT_SHOT, dx=None),
    ]  # fmt: skip
    assert [value_text(one) for one in values] == ["X", "10", "M", "M", "M", "M", "•", "?", "?", None]


def test_places_are_relative_to_the_face_that_was_hit() -> None:
    hit, beside = shot_rows(sheet(shot(1, 9, dx=12.5, dy=-3.0), shot(2, 0, dx=None, result=Result.MISS)))
    assert hit.at_face is not None
    assert (hit.at_face.x, hit.at_face.y) == (12.5, -3.0)
    assert beside.at_face is None
