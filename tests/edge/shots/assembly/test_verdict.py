"""Results of shots: positions, faces, misses, and releases that only look like a miss."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from edge.shots.assembly.timeline import BlindInterval, LaneAssignment
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    T0,
    TARGET,
    TWO_BOWS,
    LaneReadings,
    covered_until,
    only_shot,
    orphans,
    shots,
)


@pytest.mark.parametrize(("x", "y"), [(None, 640.0), (640.0, None), (math.nan, 640.0), (640.0, math.inf)])
def test_landing_without_a_usable_position_is_unknown(x: float | None, y: float | None) -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, x=x, y=y))
    assert (shot.result, shot.points) == ("unknown", None)
    assert (shot.x, shot.y, shot.arrow_landing_time) == (None, None, None)
    assert shot.landing is not None


@pytest.mark.parametrize(("x", "y"), [(-0.1, 640.0), (1280.1, 640.0), (640.0, -3.0), (640.0, 9e9)])
def test_position_beside_the_butt_counts_zero(x: float, y: float) -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, x=x, y=y))
    assert (shot.result, shot.points, shot.x) == ("off_view", 0, x)


def test_without_faces_hits_have_no_value() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4)
    for context in (replace(CONTEXT, target=replace(TARGET, faces=())), replace(CONTEXT, target=None)):
        shot = only_shot(lane, context)
        assert (shot.result, shot.points, shot.x) == ("hit", None, 640.0)


def test_without_a_distance_there_is_no_speed() -> None:
    assert only_shot(LaneReadings().shot(5.0).landing(5.4), replace(CONTEXT, target=None)).speed_mps is None


def test_lane_without_a_target_sensor_has_no_miss() -> None:
    assert (
        only_shot(LaneReadings().shot(5.0), replace(CONTEXT, targets=frozenset(), watermarks={"bow-1": 20.0})).result
        == "unknown"
    )


def test_both_of_two_targets_must_have_watched() -> None:
    context = covered_until(20.0, replace(CONTEXT, targets=frozenset({"target-1", "target-2"})))
    assert only_shot(LaneReadings().shot(5.0), context).result == "miss"
    assert (
        only_shot(LaneReadings().shot(5.0), replace(context, blind=[BlindInterval("target-2", 7.0, 7.5)])).result
        == "unknown"
    )


def test_blind_target_makes_no_miss() -> None:
    gap = BlindInterval("target-1", 7.99, 12.0)
    assert only_shot(LaneReadings().shot(5.0), replace(CONTEXT, blind=[gap])).result == "unknown"
    assert only_shot(LaneReadings().shot(5.0), replace(CONTEXT, blind=[replace(gap, since=8.0)])).result == "miss"
    bow = BlindInterval("bow-1", 7.99, 8.3)  # too short to hide that the arrow was nocked and released again
    assert only_shot(LaneReadings().shot(5.0), replace(CONTEXT, blind=[bow])).result == "miss"


def test_arrow_that_fell_out_of_the_butt_counts_as_a_bounce() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4).tags(6.0))
    assert (shot.result, shot.points, shot.flags, shot.line_call) == ("hit", 10, ("bounce",), True)


def test_bounced_arrow_is_the_one_whose_tag_is_gone() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4).shot(10.0, OTHER).landing(10.4, OTHER, 700.0).tags(11.0, ARROW)
    assert [s.flags for s in shots(lane)] == [(), ("bounce",)]


def test_pulled_arrow_did_not_bounce() -> None:
    assert only_shot(LaneReadings().shot(5.0).landing(5.4).tags(5.6, ARROW).tags(9.0)).flags == ()


def test_tag_without_an_impact_is_a_pass_through() -> None:
    shot = only_shot(LaneReadings().shot(5.0).tags(6.0, ARROW))
    assert (shot.result, shot.points, shot.flags) == ("unknown", None, ("pass_through",))
    first, second = shots(LaneReadings().shot(5.0).tags(6.0, ARROW).shot(15.0, OTHER).landing(15.4, OTHER))
    assert (first.flags, second.flags) == (("pass_through",), ())


def test_tag_that_appears_after_the_end_excuses_no_miss() -> None:
    lane = LaneReadings().shot(5.0).tags(12.0, ARROW)
    assert only_shot(lane, replace(CONTEXT, end_marks=[10.0])).result == "miss"


def test_release_is_pending_until_its_window_is_covered() -> None:
    lane = LaneReadings().shot(5.0)
    assert only_shot(lane, covered_until(7.9)).result == "pending"
    assert only_shot(lane, covered_until(8.1)).result == "miss"
    gone = replace(CONTEXT, watermarks={"target-1": 6.0})
    assert only_shot(lane, replace(gone, now=17.9)).result == "pending"
    assert only_shot(lane, replace(gone, now=18.1)).result == "unknown"


def test_each_archer_of_a_lane_has_a_result_of_their_own() -> None:
    lane = LaneReadings().shot(5.0, ARROW, "bow-1").shot(7.0, OTHER, "bow-2").landing(5.4, ARROW)
    assert [s.result for s in shots(lane, TWO_BOWS)] == ["hit", "miss"]


def test_wall_clock_step_moves_no_reading_against_another() -> None:
    lane = LaneReadings().engage(3.0).release(5.0).landing(5.4)
    engage, release, landing = lane.readings
    back = timedelta(seconds=2.5)
    lane.readings = [engage, replace(release, at=release.at - back), replace(landing, at=landing.at + back)]
    shot = only_shot(lane)
    assert shot.arrow_disengage_time == T0 + timedelta(seconds=2.5)
    assert shot.arrow_engage_time == T0 + timedelta(seconds=0.5)
    assert shot.arrow_landing_time == T0 + timedelta(seconds=2.9)
    assert shot.tof_s == pytest.approx(0.4)


def test_removed_target_is_not_awaited() -> None:
    """A window that it covered only in part leaves the shot unknown."""
    lane = LaneReadings().flown(3.0).flown(7.0).flown(12.0)
    context = replace(
        covered_until(20.0),
        targets=frozenset({"target-1", "target-2"}),
        watermarks={"target-1": 20.0, "target-2": 11.5, "bow-1": 20.0},
        assignments={"target-2": (LaneAssignment(until=9.0),)},
    )
    assert [shot.result for shot in shots(lane, context)] == ["miss", "unknown", "miss"]


def test_landing_before_its_bow_was_assigned_is_a_shot() -> None:
    came = {"bow-1": (LaneAssignment(since=8.0),)}
    assert only_shot(LaneReadings().landing(5.0), replace(CONTEXT, now=6.0, assignments=came)).time_source == "target"
    assert len(orphans(LaneReadings().landing(15.0), replace(CONTEXT, assignments=came))) == 1
