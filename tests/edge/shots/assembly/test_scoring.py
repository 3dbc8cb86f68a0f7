"""Values by ring, and arrows that land beside or in one another."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edge.shots.assembly.lane_readings import ARROW, CONTEXT, OTHER, LaneReadings, shots

LINE_X = 640.0 + 61.0 + 3.0
"""A 6 mm shaft here just touches the 10."""


def test_arrow_in_the_nock_of_another_scores_its_value() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=LINE_X - 1).shot(10.0, OTHER).landing(10.4, OTHER, x=LINE_X + 3)
    first, second = shots(lane)
    assert (first.points, first.flags) == (10, ())
    assert (second.points, second.flags, second.line_call) == (10, ("contact",), True)
    assert second.x == LINE_X + 3


def test_arrow_beside_another_is_flagged_and_keeps_its_value() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=LINE_X - 1).shot(10.0, OTHER).landing(10.4, OTHER, x=LINE_X + 6)
    _, second = shots(lane)
    assert (second.points, second.flags) == (9, ("contact",))
    lane = LaneReadings().shot(5.0).landing(5.4).shot(10.0, OTHER).landing(10.4, OTHER, x=650.1)
    assert [s.flags for s in shots(lane)] == [(), ()]


def test_arrow_that_left_the_butt_is_not_struck() -> None:
    bounced = LaneReadings().shot(5.0).landing(5.4).tags(6.0).shot(10.0, OTHER).landing(10.4, OTHER)
    assert [s.flags for s in shots(bounced)] == [("bounce",), ()]
    pulled = LaneReadings().shot(5.0).landing(5.4).shot(10.0, OTHER).landing(10.4, OTHER)
    assert [s.flags for s in shots(pulled, replace(CONTEXT, end_marks=[7.0]))] == [(), ()]


def test_value_passes_along_a_chain_of_contacts() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=LINE_X - 1).shot(10.0, OTHER).landing(10.4, OTHER, x=LINE_X + 3)
    lane.shot(15.0, None).landing(15.4, None, x=LINE_X + 7)
    assert [s.points for s in shots(lane)] == [10, 10, 10]


def test_arrow_without_a_position_strikes_nothing() -> None:
    lane = LaneReadings().shot(5.0, ARROW).landing(5.4, x=None).shot(10.0, OTHER).landing(10.4, OTHER)
    assert [s.flags for s in shots(lane)] == [(), ()]


NO_BOWS = replace(CONTEXT, bows=frozenset(), watermarks={"target-1": 20.0})
PLACES = st.lists(st.tuples(st.floats(500.0, 540.0), st.floats(500.0, 540.0)), min_size=2, max_size=30)


@given(PLACES)
def test_contact_is_that_with_any_earlier_arrow_in_reach(places: list[tuple[float, float]]) -> None:
    lane = LaneReadings()
    for number, (x, y) in enumerate(places):
        lane.landing(5.0 + number / 10, None, x=x, y=y)
    struck = ["contact" in shot.flags for shot in shots(lane, NO_BOWS)]
    near = [any(math.dist(place, earlier) <= 10.0 for earlier in places[:n]) for n, place in enumerate(places)]
    assert struck == near


@pytest.mark.parametrize("other", [630.0, 650.0])
def test_contact_reaches_across_the_edge_of_a_square(other: float) -> None:
    lane = LaneReadings().landing(5.0, None, x=640.0).landing(6.0, None, x=other)
    assert [s.flags for s in shots(lane, NO_BOWS)] == [(), ("contact",)]
