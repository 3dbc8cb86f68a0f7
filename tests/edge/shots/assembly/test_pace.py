"""A long day costs in proportion: everything is computed anew with each reading, so it must stay cheap."""

from __future__ import annotations

import time
from dataclasses import replace

from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import TimedReading
from tests.edge.shots.assembly.histories import QUIVER
from tests.edge.shots.assembly.lane_readings import CONTEXT, LaneReadings, covered_until


def day(ends: int) -> tuple[list[TimedReading], SessionContext]:
    """So many ends of six arrows, all hit, with tags and places."""
    lane, t = LaneReadings(), 5.0
    for end in range(ends):
        for number, arrow in enumerate(QUIVER):
            lane.shot(t, arrow).landing(t + 0.36, arrow, x=570.0 + 25 * number, y=600.0 + end % 50)
            t += 20.0
        lane.tags(t + 30.0)
        t += 60.0
    return lane.readings, replace(covered_until(t, CONTEXT), arrows_per_end=6)


def seconds(ends: int) -> float:
    """The quickest of some computations: what else the machine does only adds to it."""
    readings, context = day(ends)
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        found = assemble(readings, context)
        best = min(best, time.process_time() - began)
        assert [s.result for s in found.shots] == ["hit"] * (6 * ends)
    return best


def test_ten_times_the_shots_cost_ten_times_the_time() -> None:
    assert seconds(84) < 30 * seconds(8)  # 504 shots and 48; a square would be 110 times
