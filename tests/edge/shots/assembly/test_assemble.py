"""Readings into shots: one case per rule, and independence from the order of arrival."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from edge.common.frames import ButtPoint
from edge.common.vocabulary import ReleaseCause, Result
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.model import Correction, TimedReading
from edge.shots.assembly.scoring import score_landing
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    T0,
    TARGET,
    LaneReadings,
    corrected,
    only_shot,
    shots,
)


def test_release_and_landing_make_one_shot_with_value_and_speed() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.36))
    assert (shot.result, shot.points, shot.is_x, shot.arrow_id) == ("hit", 10, True, ARROW)
    assert shot.tof_s == pytest.approx(0.36)
    assert shot.speed_mps == pytest.approx(50.0)
    assert shot.arrow_engage_time == T0 + timedelta(seconds=3)


def test_miss_needs_a_target_that_watched_the_whole_window() -> None:
    lane = LaneReadings().shot(5.0)
    assert only_shot(lane).result == "miss"
    assert only_shot(lane, replace(CONTEXT, watermarks={"target-1": 7.9}, now=9.0)).result == "pending"
    assert only_shot(lane, replace(CONTEXT, watermarks={"target-1": 7.9})).result == "unknown"
    assert only_shot(lane, replace(CONTEXT, blind=[BlindInterval("target-1", 6.0, 6.2)])).result == "unknown"


def test_arrow_nocked_again_in_the_same_end_was_let_down() -> None:
    lane = LaneReadings().shot(5.0).engage(15.0, ARROW)
    shot = only_shot(lane)
    assert (shot.result, shot.flags) == ("not_shot", ("let_down",))


def test_arrow_nocked_again_after_the_end_was_a_miss() -> None:
    lane = LaneReadings().shot(5.0).engage(15.0, ARROW)
    assert only_shot(lane, replace(CONTEXT, end_marks=[10.0])).result == "miss"


def test_tags_distinguish_two_arrows_in_the_air() -> None:
    lane = LaneReadings().shot(5.0).engage(5.1, OTHER).release(5.2, tag=OTHER)
    lane.landing(5.5, OTHER, 700.0).landing(5.55, ARROW, 600.0)
    assert [(s.arrow_id, s.x) for s in shots(lane)] == [(ARROW, 600.0), (OTHER, 700.0)]


def test_landing_without_a_tag_goes_to_the_only_arrow_in_the_air() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, None))
    assert (shot.assignment, shot.result) == ("inferred", "hit")


def test_landing_read_twice_counts_once() -> None:
    assert len(shots(LaneReadings().shot(5.0).landing(5.4).landing(5.5))) == 1


def test_late_landing_counts_without_a_speed() -> None:
    shot = only_shot(LaneReadings().shot(5.0).landing(7.5))
    assert (shot.result, shot.tof_s, shot.flags) == ("hit", None, ("late",))


def test_landing_without_a_release_counts_only_without_a_bow() -> None:
    lane = LaneReadings().landing(5.0)
    assert assemble(lane.readings, CONTEXT).shots == []
    assert len(assemble(lane.readings, CONTEXT).orphans) == 1
    assert only_shot(lane, replace(CONTEXT, watermarks={"target-1": 20.0})).time_source == "target"
    assert only_shot(lane, replace(CONTEXT, bows=frozenset())).result == "hit"


def test_arrow_removed_from_the_string_is_no_shot() -> None:
    assert shots(LaneReadings().engage(3.0, ARROW).release(5.0, tag=ARROW, cause=ReleaseCause.REMOVED)) == []


def test_unregistered_arrow_keeps_its_tag() -> None:
    stranger = uuid4()
    shot = only_shot(LaneReadings().shot(5.0, stranger).landing(5.4, stranger))
    assert (shot.arrow_id, shot.arrow_tag, shot.diameter_assumed) == (None, stranger.hex, True)


def test_landing_without_a_position_is_unknown() -> None:
    assert only_shot(LaneReadings().shot(5.0).landing(5.4, x=None)).result == "unknown"


def test_a_shot_has_the_launch_speed_of_its_release() -> None:
    lane = LaneReadings().engage(3.0).release(5.0, launch_mps=57.2).landing(5.4)
    assert (only_shot(lane).launch_mps, only_shot(LaneReadings().shot(5.0).landing(5.4)).launch_mps) == (57.2, None)


def test_ends_close_by_tags_by_mark_and_by_time() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4).tags(12.0)
    (end,) = assemble(lane.readings, CONTEXT).ends
    assert (end.closes, end.closed_by) == (12.0, "tags")
    (end,) = assemble(LaneReadings().shot(5.0).readings, replace(CONTEXT, end_marks=[9.0])).ends
    assert (end.closes, end.closed_by) == (9.0, "operator")
    (end,) = assemble(LaneReadings().shot(5.0).readings, replace(CONTEXT, now=70.0)).ends
    assert (end.closes, end.closed_by) == (65.0, "timeout")


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    lane = LaneReadings()
    for number in range(12):
        arrow = (ARROW, OTHER)[number % 2]
        lane.shot(5.0 + 4 * number, arrow)
        if number % 5:
            lane.landing(5.4 + 4 * number, arrow, 500.0 + number)
    context = replace(CONTEXT, now=100.0, watermarks={"bow-1": 99.0, "target-1": 99.0})
    shuffled: Sequence[TimedReading] = random.Random(seed).sample(lane.readings, len(lane.readings))
    assert assemble(shuffled, context) == assemble(lane.readings, context)


def test_shaft_that_touches_a_line_scores_the_higher_zone() -> None:
    parameters = CONTEXT.parameters
    assert score_landing(ButtPoint(640.0 + 63.9, 640.0), 6.0, TARGET, parameters).points == 10
    assert score_landing(ButtPoint(640.0 + 64.0, 640.0), 6.0, TARGET, parameters).points == 10
    assert score_landing(ButtPoint(640.0 + 64.1, 640.0), 6.0, TARGET, parameters).points == 9
    assert score_landing(ButtPoint(640.0 + 190.0, 640.0), 6.0, TARGET, parameters).result == "off_face"
    assert score_landing(ButtPoint(-1.0, 640.0), 6.0, TARGET, parameters).result == "off_view"
    margin = score_landing(ButtPoint(640.0 + 60.0, 640.0), 6.0, TARGET, parameters).line_margin_mm
    assert margin == pytest.approx(4.0)


def test_latest_correction_wins_and_is_flagged() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4, x=640.0 + 65.0)
    key = lane.readings[1].key
    corrections = [
        Correction(key, Result.HIT, 8, reason="first look"),
        Correction(key, Result.HIT, 10, reason="line cutter"),
    ]
    shot = only_shot(lane, corrected(CONTEXT, *corrections))
    assert (shot.points, shot.flags, shot.void_reason, shot.x) == (10, ("corrected",), None, 705.0)
    shot = only_shot(lane, corrected(CONTEXT, Correction(key, Result.VOID, reason="not mine")))
    assert (shot.result, shot.points, shot.void_reason) == ("void", None, "not mine")


def test_orphan_is_assigned_made_a_shot_or_dismissed() -> None:
    lane = LaneReadings().shot(5.0).landing(9.0, OTHER)
    release, orphan = lane.readings[1].key, lane.readings[2].key
    assert [r.key for r in assemble(lane.readings, CONTEXT).orphans] == [orphan]
    shot = only_shot(lane, corrected(CONTEXT, Correction(release, landing=orphan)))
    assert (shot.assignment, shot.result, shot.landing, shot.tof_s) == ("manual", "hit", orphan, None)
    alone = assemble(lane.readings, corrected(CONTEXT, Correction(orphan, landing=orphan)))
    assert [(s.result, s.release) for s in alone.shots] == [("miss", release), ("hit", None)]
    nothing = assemble(lane.readings, corrected(CONTEXT, Correction(orphan, Result.VOID, reason="a bump")))
    assert [(s.result, s.void_reason) for s in nothing.shots] == [("miss", None), ("void", "a bump")]
    assert alone.orphans == nothing.orphans == []


def test_voided_landing_leaves_its_release_without_one() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4)
    found = shots(lane, corrected(CONTEXT, Correction(lane.readings[2].key, Result.VOID, reason="a bump")))
    assert [s.result for s in found] == ["miss", "void"]
