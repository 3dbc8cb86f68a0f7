"""Landings assigned to releases by tag, flight time and elimination; the rest are orphans."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from edge.shots.assembly.model import Correction
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    TWO_BOWS,
    LaneReadings,
    corrected,
    covered_until,
    only_shot,
    orphans,
    shots,
)


def two(first: float = 5.0, second: float = 5.25) -> LaneReadings:
    """Two archers release almost at the same time."""
    return LaneReadings().shot(first, ARROW, "bow-1").shot(second, OTHER, "bow-2")


def test_late_landing_with_the_right_tag_has_no_speed() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(7.9))
    assert (shot.result, shot.tof_s, shot.flags) == ("hit", None, ("late",))
    assert [s.result for s in shots(LaneReadings().shot(5.0).landing(8.1))] == ["miss"]


def test_late_landing_goes_to_its_own_tag_before_a_neighbour() -> None:
    first, second = shots(two(5.0, 6.8).landing(7.2, ARROW), TWO_BOWS)
    assert (first.result, first.flags, second.result) == ("hit", ("late",), "miss")


def test_landing_received_after_the_miss_is_a_late_hit() -> None:
    lane = LaneReadings().shot(5.0)
    before = only_shot(lane)
    after = only_shot(lane.landing(5.4, receive_delay_s=14.0))
    assert (before.id, before.result) == (after.id, "miss")
    assert (after.result, after.flags) == ("hit", ("late",))
    assert after.tof_s == pytest.approx(0.4)


def test_late_flag_needs_a_release_decided_without_the_landing() -> None:
    lane = LaneReadings().shot(5.0)  # window until 8, timed out at 18
    assert only_shot(lane.landing(5.4, receive_delay_s=12.5)).flags == ()
    bow = LaneReadings().engage(3.0).release(5.0, receive_delay_s=60.0)  # both devices were offline
    assert only_shot(bow.landing(5.4, receive_delay_s=59.0)).flags == ()
    assert only_shot(LaneReadings().landing(5.4, receive_delay_s=60.0), replace(CONTEXT, bows=frozenset())).flags == ()


def test_other_tag_is_accepted_where_one_arrow_flew() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, OTHER))
    assert (shot.result, shot.arrow_id, shot.assignment, shot.flags) == ("hit", OTHER, "inferred", ("tag_mismatch",))


def test_other_tag_is_an_orphan_where_several_flew() -> None:
    stranger = uuid4()
    lane = two().landing(5.5, stranger)
    assert [(s.result, s.flags) for s in shots(lane, TWO_BOWS)] == [("unknown", ("unsorted",))] * 2
    assert orphans(lane, TWO_BOWS) == [lane.readings[-1].key]
    assert [s.result for s in shots(lane, covered_until(7.0, TWO_BOWS))] == ["pending", "pending"]


def test_other_arrow_missed_once_the_orphan_is_assigned() -> None:
    lane = two().landing(5.5, uuid4())
    correction = Correction(lane.readings[1].key, landing=lane.readings[-1].key)
    context = corrected(TWO_BOWS, correction)
    assert [s.result for s in shots(lane, context)] == ["hit", "miss"]
    assert orphans(lane, context) == []


def test_landing_without_a_tag_is_assigned_by_elimination() -> None:
    lane = two().landing(5.5, None, 600.0).landing(5.55, ARROW, 700.0)
    first, second = shots(lane, TWO_BOWS)
    assert (first.x, first.assignment) == (700.0, "id")
    assert (second.x, second.assignment, second.arrow_id) == (600.0, "inferred", OTHER)
    lane = two(5.0, 5.4).landing(5.55, None, 600.0).landing(5.95, None, 700.0)  # the second can only be OTHER's
    assert [(s.x, s.assignment) for s in shots(lane, TWO_BOWS)] == [(600.0, "inferred"), (700.0, "inferred")]


def test_landing_without_a_tag_is_an_orphan_between_two() -> None:
    lane = two().landing(5.5, None)
    assert orphans(lane, TWO_BOWS) == [lane.readings[-1].key]
    assert [s.flags for s in shots(lane, TWO_BOWS)] == [("unsorted",)] * 2


def test_unread_bow_takes_a_landing_before_another_tag() -> None:
    lane = LaneReadings().shot(5.0, ARROW, "bow-1").shot(5.2, None, "bow-2").landing(5.5, OTHER)
    first, second = shots(lane, TWO_BOWS)
    assert (first.landing, second.arrow_id, second.flags) == (None, OTHER, ())


def test_landing_read_again_counts_once() -> None:
    assert orphans(LaneReadings().shot(5.0).landing(5.4).landing(6.9, x=643.0)) == []
    assert len(orphans(LaneReadings().shot(5.0).landing(5.4).landing(7.5))) == 1  # too late for the same reading
    assert (
        len(orphans(LaneReadings().shot(5.0).landing(5.4).landing(6.0, x=660.0))) == 1
    )  # another place: another arrow


def test_repeated_landing_keeps_the_reading_with_a_position() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, x=None).landing(5.45, x=700.0))
    assert (shot.result, shot.x) == ("hit", 700.0)


def test_landing_before_its_release_within_the_clock_error() -> None:
    lane = LaneReadings().engage(3.0).release(5.0, error_s=None).landing(4.95)
    shot = only_shot(lane)
    assert (shot.result, shot.tof_s, shot.speed_mps, shot.flags) == ("hit", None, None, ("clock",))


def test_clocks_too_far_apart_match_nothing_and_no_miss() -> None:
    lane = LaneReadings().shot(5.0).landing(4.6)
    shot = only_shot(lane)
    assert (shot.result, shot.landing, shot.flags) == ("unknown", None, ("clock",))
    assert len(orphans(lane)) == 1


def test_unsynchronised_bow_gives_a_value_without_speed() -> None:
    shot = only_shot(LaneReadings().engage(3.0).release(5.0, error_s=None).landing(5.36))
    assert (shot.result, shot.points, shot.speed_mps, shot.flags) == ("hit", 10, None, ("clock",))


def test_two_arrows_within_the_dead_time_may_be_one_landing() -> None:
    first, second = shots(two(5.0, 5.15).landing(5.4, ARROW), TWO_BOWS)
    assert (first.result, second.result, second.flags) == ("hit", "unknown", ("dead_time",))
    first, second = shots(two(5.0, 5.21).landing(5.4, ARROW), TWO_BOWS)
    assert (first.result, second.result) == ("hit", "miss")
    first, second = shots(two(5.0, 5.15), TWO_BOWS)  # no landing: the target was not busy
    assert (first.result, second.result) == ("miss", "miss")


def test_landing_without_a_release_beside_a_bow_is_an_orphan() -> None:
    lane = LaneReadings().landing(5.0)
    assert shots(lane) == []
    assert orphans(lane) == [lane.readings[0].key]


def test_landing_on_a_lane_without_a_bow_is_a_shot() -> None:
    context = replace(CONTEXT, bows=frozenset())
    shot = only_shot(LaneReadings().landing(5.0), context)
    assert (shot.result, shot.points, shot.time_source, shot.arrow_disengage_time) == ("hit", 10, "target", None)
    assert (shot.tof_s, shot.arrow_id, shot.assignment) == (None, ARROW, "id")
    assert only_shot(LaneReadings().landing(5.0, None), context).assignment is None


def test_silent_bow_costs_the_speed_and_not_the_score() -> None:
    lane = LaneReadings().landing(5.0)
    flat = replace(CONTEXT, watermarks={"bow-1": 4.0, "target-1": 20.0})
    assert only_shot(lane, flat).result == "hit"
    early = replace(flat, now=14.9)
    assert (shots(lane, early), orphans(lane, early)) == ([], [])  # the release may arrive late
    assert (
        only_shot(lane, replace(CONTEXT, blind=[BlindInterval("bow-1", 3.0, 5.5)])).result == "hit"
    )  # the bow reported the gap itself


def test_late_release_takes_its_landing_back() -> None:
    flat = replace(CONTEXT, watermarks={"bow-1": 4.0, "target-1": 20.0})
    lane = LaneReadings().landing(5.0)
    alone = only_shot(lane, flat)
    matched = only_shot(lane.shot(4.6), CONTEXT)
    assert (alone.time_source, matched.time_source, matched.landing) == ("target", "both", alone.landing)
    assert alone.id != matched.id


def test_one_silent_bow_of_two_leaves_an_orphan() -> None:
    lane = LaneReadings().landing(5.0)
    context = replace(TWO_BOWS, watermarks={"bow-1": 20.0, "bow-2": 1.0, "target-1": 20.0})
    assert len(orphans(lane, context)) == 1


def test_releases_before_the_session_explain_their_landings() -> None:
    lane = LaneReadings().landing(-1.0).shot(-0.2).landing(0.2, x=700.0).shot(5.0, OTHER).landing(5.4, OTHER)
    assert only_shot(lane).arrow_id == OTHER
    assert orphans(lane) == []
