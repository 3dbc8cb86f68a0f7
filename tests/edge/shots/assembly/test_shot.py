"""Arrows of an end that count in no total."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from edge.common.vocabulary import Flag
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import Face
from tests.edge.shots.assembly.lane_readings import ARROW, OTHER, TARGET, LaneReadings, covered_until, shots

THREE = replace(covered_until(60.0), arrows_per_end=3)


def end_of(
    *places: float | None, start: float = 5.0, lane: LaneReadings | None = None, bow: str = "bow-1"
) -> LaneReadings:
    """An end of arrows without tags, four seconds apart, which the bow knows to have flown; None is a miss."""
    lane = lane or LaneReadings()
    for number, place in enumerate(places):
        t = start + 4 * number
        lane.flown(t, bow)
        if place is not None:
            lane.landing(t + 0.36, None, x=640.0 + place)
    return lane


def test_lowest_arrows_count_when_an_end_has_too_many() -> None:
    found = shots(end_of(0.0, 100.0, 40.0, 150.0), THREE)
    assert [(s.points, s.flags) for s in found] == [(10, ("extra",)), (9, ()), (10, ()), (8, ())]
    assert [s.is_x for s in found] == [True, False, False, False]


def test_last_of_equal_values_is_extra_and_a_miss_counts() -> None:
    assert [s.flags for s in shots(end_of(0.0, 15.0, None, 100.0), THREE)] == [(), ("extra",), (), ()]


def test_each_end_has_its_own_number_of_arrows() -> None:
    lane = end_of(100.0, 112.0, 124.0, start=25.0, lane=end_of(0.0, 15.0, 30.0))
    assert {s.flags for s in shots(lane, replace(THREE, end_marks=[20.0]))} == {()}
    assert [s.flags for s in shots(lane, THREE)].count((Flag.EXTRA,)) == 3


def test_each_bow_has_its_own_number_of_arrows() -> None:
    context = covered_until(60.0, replace(THREE, bows=frozenset({"bow-1", "bow-2"})))
    lane = end_of(100.0, 112.0, 124.0, start=7.0, lane=end_of(0.0, 15.0, 30.0), bow="bow-2")
    assert {s.flags for s in shots(lane, context)} == {()}


def test_let_down_is_no_arrow_of_the_end() -> None:
    lane = (
        LaneReadings()
        .shot(5.0, ARROW)
        .shot(9.0, ARROW)
        .landing(9.4, ARROW)
        .shot(13.0, OTHER)
        .landing(13.4, OTHER, x=700.0)
    )
    assert [s.flags for s in shots(lane, replace(THREE, arrows_per_end=2))] == [("let_down",), (), ()]


def triple() -> SessionContext:
    """Three spots of a multiple face."""
    spots = tuple(Face(uuid4(), 1, 640.0, y, (20.0, 40.0), (10, 9), 10.0, is_spot=True) for y in (200.0, 400.0, 800.0))
    return replace(THREE, target=replace(TARGET, faces=spots))


def test_lower_of_two_arrows_in_one_spot_counts() -> None:
    lane = (
        LaneReadings()
        .shot(5.0, ARROW)
        .landing(5.4, ARROW, 640.0, 400.0)
        .shot(9.0, OTHER)
        .landing(9.4, OTHER, 670.0, 400.0)
    )
    lane.shot(13.0, None).landing(13.4, None, 640.0, 800.0)
    found = shots(lane, triple())
    assert [(s.points, s.flags) for s in found] == [(10, ("same_spot",)), (9, ()), (10, ())]
    lane.shot(17.0, None).landing(17.4, None, 640.0, 200.0)  # a shot already left out is not extra as well
    assert [s.flags for s in shots(lane, triple())] == [("same_spot",), (), (), ()]
    six = replace(triple(), arrows_per_end=6)  # of six arrows on three spots, two belong in each
    assert {s.flags for s in shots(lane, six)} == {()}


def test_single_face_takes_any_number_of_arrows() -> None:
    assert {s.flags for s in shots(end_of(0.0, 15.0, 30.0), THREE)} == {()}
