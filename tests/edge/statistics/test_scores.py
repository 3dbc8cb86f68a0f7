"""Sums of sessions and ends: sighters, surplus arrows, undecided ones, misses."""

from __future__ import annotations

from uuid import UUID

import pytest

from edge.common.vocabulary import Flag, Result
from edge.statistics import end_totals, session_totals
from tests.edge.statistics.session_rows import session, shot


def numbers(ids: tuple[UUID, ...]) -> list[int]:
    return [one.int for one in ids]


def test_ends_are_summed_highest_first_with_a_running_total() -> None:
    found = session(
        shot(1, 7), shot(2, 10, is_x=True), shot(3, 10), shot(4, 6, end=2), shot(5, 0, dx=None, end=2, result=Result.MISS),
        shot(6, None, dx=None, end=2, result=Result.UNKNOWN), shot(7, None, dx=None, end=2, result=Result.NOT_SHOT),
    )  # fmt: skip
    first, second = end_totals(found)
    assert numbers(first.shots) == [2, 3, 1]
    assert (first.totals.points, first.totals.hits, first.totals.xs, first.running) == (27, 3, 1, 27)
    assert numbers(second.shots) == [4, 5, 6]  # a miss before an arrow without a value
    assert (second.totals.points, second.totals.arrows, second.totals.misses, second.running) == (6, 3, 1, 33)


def test_undecided_arrows_are_counted_and_in_no_average() -> None:
    found = session_totals(
        session(
            shot(1, 9), shot(2, 0, dx=None, result=Result.MISS), shot(3, None, dx=None, result=Result.UNKNOWN),
            shot(4, None, dx=None, result=Result.PENDING), shot(5, None, dx=None, result=Result.VOID),
        )
    )  # fmt: skip
    assert (found.arrows, found.decided, found.undecided, found.scored) == (4, 2, 2, 2)
    assert (found.points, found.hits, found.misses, found.average) == (9, 1, 1, 4.5)


def test_a_butt_without_faces_counts_hits_without_points() -> None:
    found = session_totals(session(shot(1, None), shot(2, None), shot(3, None, dx=None, result=Result.MISS), faces=()))
    assert (found.arrows, found.hits, found.misses, found.scored, found.average) == (3, 2, 1, 0, None)


def test_sighters_have_own_ends_and_count_in_no_total() -> None:
    found = session(shot(1, 9), shot(2, 8), shot(3, 5, end=2), shot(4, 4, end=3), sighters=2)
    rows = [(end.number, end.is_sighter, end.totals.points, end.running) for end in end_totals(found)]
    assert rows == [(1, True, 17, None), (2, True, 5, None), (3, False, 4, 4)]
    totals = session_totals(found)
    assert (totals.arrows, totals.points, totals.average) == (1, 4, 4)


@pytest.mark.parametrize("flag", [Flag.EXTRA, Flag.SAME_SPOT])
def test_surplus_arrows_are_shown_and_count_in_no_sum(flag: Flag) -> None:
    found = session(shot(1, 9), shot(2, 3), shot(3, 10, flags=frozenset((Flag.LATE, flag))), shot(4, 7))
    (end,) = end_totals(found)
    assert (end.totals.points, end.totals.arrows, numbers(end.shots)) == (19, 3, [3, 1, 4, 2])


def test_shots_without_an_end_are_no_sighters_and_come_last() -> None:
    found = session(*(shot(i, 8, end=None) for i in (1, 2)), shot(3, 5, end=2), sighters=1)
    rows = [(end.number, end.is_sighter, end.running) for end in end_totals(found)]
    assert rows == [(2, False, 5), (None, False, 21)]


def test_no_shot_has_no_average() -> None:
    found = session_totals(session())
    assert (found.arrows, found.points, found.average) == (0, 0, None)
    assert end_totals(session()) == ()
