"""The cost of a whole assembly grows in proportion to the session; that of one more shot does not grow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.incremental import IncrementalAssembly
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.histories import QUIVER
from tests.edge.shots.assembly.lane_readings import CONTEXT, LaneReadings, covered_until


def day(ends: int) -> tuple[list[TimedReading], SessionContext]:
    """A number of ends of six arrows, all hits with tags and positions."""
    lane, t = LaneReadings(), 5.0
    for end in range(ends):
        for number, arrow in enumerate(QUIVER):
            lane.shot(t, arrow).landing(t + 0.36, arrow, x=570.0 + 25 * number, y=600.0 + end % 50)
            t += 20.0
        lane.tags(t + 30.0)
        t += 60.0
    return lane.readings, replace(covered_until(t, CONTEXT), arrows_per_end=6)


def seconds(ends: int) -> float:
    """CPU time of the fastest of five computations."""
    readings, context = day(ends)
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        found = assemble(readings, context)
        best = min(best, time.process_time() - began)
        assert [s.result for s in found.shots] == ["hit"] * (6 * ends)
    return best


def seconds_of_one_more_end(ends: int) -> float:
    """CPU time of the last end's six shots after a number of ends: the fastest of five."""
    readings, context = day(ends)
    known, last = readings[:-19], readings[-19:]
    best = float("inf")
    for _ in range(5):
        assembly = IncrementalAssembly()
        assembly.update(known, replace(context, now=known[-1].t))
        began = time.process_time()
        for number in range(0, 18, 3):
            fresh = last[number : number + 3]
            changes = assembly.update(fresh, replace(context, now=fresh[-1].t))
            assert len(changes.shots) == number / 3 + 1
        best = min(best, time.process_time() - began)
    return best


def test_cost_of_one_more_end_is_flat() -> None:
    assert seconds_of_one_more_end(96) < 2 * seconds_of_one_more_end(3)


def test_cost_grows_in_proportion_to_the_shots() -> None:
    assert seconds(84) < 30 * seconds(8)  # 504 shots against 48; quadratic cost would be 110 times


def chattering(landings: int, spread_mm: float, arrow: UUID | None) -> list[TimedReading]:
    """Landings of one sensor at 50/s within a square of the butt."""
    lane = LaneReadings()
    for number in range(landings):
        x, y = (1000.0 * number / 37 % spread_mm, 1000.0 * number / 41 % spread_mm)
        lane.landing(5.0 + number / 50, arrow, x=100.0 + x, y=100.0 + y)
    return lane.readings


def is_in_proportion(readings_of: Callable[[int], list[TimedReading]], context: SessionContext) -> bool:
    """Whether eight times the readings cost clearly less than 64 times the processor time."""
    costs = []
    for count in (250, 2000):
        readings, best = readings_of(count), float("inf")
        for _ in range(2):
            began = time.process_time()
            assemble(readings, context)
            best = min(best, time.process_time() - began)
        costs.append(best)
    return costs[1] < 20 * costs[0]


@pytest.mark.parametrize("arrow", [None, QUIVER[0]])
@pytest.mark.parametrize("spread_mm", [1000.0, 0.001])
def test_cost_of_a_chattering_target_grows_in_proportion(spread_mm: float, arrow: UUID | None) -> None:
    context = covered_until(200.0, replace(CONTEXT, bows=frozenset()))
    assert is_in_proportion(lambda count: chattering(count, spread_mm, arrow), context)


@pytest.mark.parametrize("arrow", [None, QUIVER[0]])
def test_cost_of_a_chattering_bow_grows_in_proportion(arrow: UUID | None) -> None:
    def releases(count: int) -> list[TimedReading]:
        lane = LaneReadings()
        for number in range(count):
            lane.release(5.0 + number / 50, tag=arrow)
        return lane.readings

    context = replace(covered_until(200.0), blind=[BlindInterval("bow-1", 1.0, 4.0)])
    assert is_in_proportion(releases, context)
