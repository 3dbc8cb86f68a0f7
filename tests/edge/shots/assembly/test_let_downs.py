"""Let-downs: arrows that left the string without being shot."""

from __future__ import annotations

from dataclasses import replace

from edge.common.vocabulary import Result
from edge.shots.assembly.model import Correction
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    TWO_BOWS,
    LaneReadings,
    corrected,
    covered_until,
    only_shot,
    shots,
)


def test_let_down_is_no_shot_and_the_arrow_counts_later() -> None:
    first, second = shots(LaneReadings().shot(5.0).shot(15.0).landing(15.4))
    assert (first.result, first.points, first.flags) == ("not_shot", None, ("let_down",))
    assert (second.result, second.flags) == ("hit", ())


def test_let_down_is_a_miss_until_it_is_nocked_again() -> None:
    assert only_shot(LaneReadings().shot(5.0)).result == "miss"


def test_repeated_let_downs_of_one_arrow_are_no_shots() -> None:
    lane = LaneReadings().shot(5.0).shot(8.0).shot(15.0).landing(15.4)
    assert [s.result for s in shots(lane)] == ["not_shot", "not_shot", "hit"]


def test_nocking_at_another_bow_proves_no_let_down() -> None:
    lane = LaneReadings().shot(5.0, bow="bow-1").engage(15.0, bow="bow-2")
    assert only_shot(lane, TWO_BOWS).result == "miss"


def test_landed_arrow_that_was_pulled_unseen_was_shot() -> None:
    assert [s.result for s in shots(LaneReadings().shot(5.0).landing(5.4).shot(15.0).landing(15.4))] == ["hit", "hit"]


def test_nocking_after_the_end_proves_no_let_down() -> None:
    lane = LaneReadings().shot(5.0).engage(15.0)
    assert only_shot(lane, replace(CONTEXT, end_marks=[10.0])).result == "miss"
    assert only_shot(lane, replace(CONTEXT, closes=10.0)).result == "miss"
    assert only_shot(lane, replace(CONTEXT, closes=16.0)).result == "not_shot"
    assert only_shot(LaneReadings().shot(5.0).engage(90.0), covered_until(100.0)).result == "miss"


def test_landing_without_a_tag_goes_to_the_arrow_that_flew() -> None:
    first, second = shots(LaneReadings().shot(5.0).engage(7.0).release(15.0).landing(15.4, None))
    assert (first.result, second.result) == ("not_shot", "hit")


def test_landing_that_only_a_let_down_explains_revokes_it() -> None:
    first, second = shots(LaneReadings().shot(5.0).landing(5.4, None).shot(15.0))
    assert (first.result, first.assignment, first.flags) == ("hit", "inferred", ())
    assert second.result == "miss"


def test_doubted_tag_proves_no_let_down() -> None:
    lane = (
        LaneReadings().engage(3.0, OTHER, "bow-2", rssi=-70).engage(3.1, OTHER, "bow-1", rssi=-40).release(5.0, "bow-2")
    )
    lane.engage(15.0, OTHER, "bow-2")
    assert only_shot(lane, TWO_BOWS).result == "miss"


def test_dropped_arrow_is_a_miss_until_it_is_corrected() -> None:
    lane = LaneReadings().shot(5.0)
    assert only_shot(lane).result == "miss"
    correction = Correction(lane.readings[1].key, Result.NOT_SHOT, reason="dropped at the line")
    shot = only_shot(lane, corrected(CONTEXT, correction))
    assert (shot.result, shot.points, shot.flags) == ("not_shot", None, ("corrected",))


def test_removed_arrow_leaves_no_trace() -> None:
    lane = LaneReadings().engage(3.0).removal(5.0).shot(9.0).landing(9.4)
    assert only_shot(lane).flags == ()


def test_let_down_with_an_assigned_landing_is_a_shot() -> None:
    lane = LaneReadings().shot(5.0).engage(15.0, ARROW).landing(16.0, OTHER)
    correction = Correction(lane.readings[1].key, landing=lane.readings[3].key)
    shot = only_shot(lane, corrected(CONTEXT, correction))
    assert (shot.result, shot.assignment) == ("hit", "manual")
