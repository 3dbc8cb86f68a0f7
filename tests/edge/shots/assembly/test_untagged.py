"""Lanes without tags: bows that read none, targets that read none, and arrows known by a scan."""

from __future__ import annotations

import math
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given, settings

from edge.common.vocabulary import EndClosure, Flag, ReleaseCause
from edge.shots.assembly.assemble import assemble
from edge.shots.assembly.explain import explain
from edge.shots.assembly.flight import flight_is_possible
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.histories import History, UntaggedTruth, untagged_history
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    TARGET,
    TWO_BOWS,
    LaneReadings,
    covered_until,
    only_shot,
    orphans,
    shots,
)

EXAMPLES = 50
MANY = 5000
WITH_SCANNER = covered_until(60.0, replace(CONTEXT, scanners=frozenset({"arrow-1"})))


def test_landing_without_a_tag_is_matched_by_its_flight_time() -> None:
    lane = LaneReadings().flown(5.0).landing(5.36, None).flown(12.0)
    hit, miss = shots(lane)
    assert (hit.result, hit.assignment, hit.arrow_id, hit.arrow_tag, hit.flags) == ("hit", "inferred", None, None, ())
    assert hit.tof_s == pytest.approx(0.36)
    assert (miss.result, miss.flags) == ("miss", ())
    assert orphans(lane) == []


def test_removed_arrow_without_a_tag_is_no_shot() -> None:
    lane = LaneReadings().engage(3.0, None).removal(5.0).flown(12.0).landing(12.36, None)
    assert only_shot(lane).result == "hit"


def test_known_shot_without_a_landing_is_a_miss_whatever_follows() -> None:
    assert [s.result for s in shots(LaneReadings().flown(5.0).flown(12.0))] == ["miss", "miss"]
    blind = replace(CONTEXT, blind=[BlindInterval("bow-1", 6.0, 9.0)])
    assert [s.result for s in shots(LaneReadings().flown(5.0).flown(12.0), blind)] == ["miss", "miss"]


def test_known_shot_is_no_let_down_when_scanned_again() -> None:
    lane = LaneReadings().scan(1.0).flown(5.0).scan(8.0).flown(12.0)
    assert [(s.result, s.arrow_id) for s in shots(lane, WITH_SCANNER)] == [("miss", ARROW), ("miss", ARROW)]


def test_release_before_an_unread_nocking_may_be_a_let_down() -> None:
    lane = LaneReadings().shot(5.0, None).shot(12.0, None).landing(12.36, None).shot(16.0, None)
    first, second, last = shots(lane)
    assert (first.result, first.flags) == ("unknown", (Flag.LET_DOWN,))
    assert (second.result, last.result) == ("hit", "miss")
    explained = explain(lane.readings, CONTEXT, first.id)
    assert explained is not None
    assert explained.next_nocking is not None
    assert explained.next_nocking.t == 10.0


def test_landing_shows_which_arrow_was_nocked() -> None:
    lane = LaneReadings().shot(5.0, ARROW).shot(12.0, None).landing(12.36, OTHER)
    assert [s.result for s in shots(lane)] == ["miss", "hit"]
    lane = LaneReadings().shot(5.0, ARROW).shot(12.0, None).landing(12.36, ARROW)
    assert [s.result for s in shots(lane)] == ["unknown", "hit"]


def test_unread_nocking_after_the_end_leaves_the_miss() -> None:
    lane = LaneReadings().shot(5.0, None).shot(80.0, None)
    assert [(s.result, s.end_number) for s in shots(lane, covered_until(200.0))] == [("miss", 1), ("miss", 2)]


def test_last_scan_before_the_nocking_is_the_arrow() -> None:
    lane = LaneReadings().scan(1.0, OTHER).scan(2.0, ARROW).flown(5.0).landing(5.36, None).flown(12.0)
    first, second = shots(lane, WITH_SCANNER)
    assert (first.arrow_id, first.diameter_mm, first.diameter_assumed) == (ARROW, 6.0, False)
    assert (first.flags, first.assignment) == ((Flag.SCANNED,), "inferred")
    assert (second.arrow_id, second.arrow_tag, second.flags) == (None, None, ())
    explained = explain(lane.readings, WITH_SCANNER, first.id)
    assert explained is not None
    assert explained.scan is not None
    assert explained.scan.tag == ARROW.hex


def test_scan_of_an_unregistered_arrow_keeps_its_tag() -> None:
    stranger = uuid4()
    shot = only_shot(LaneReadings().scan(1.0, stranger).flown(5.0), WITH_SCANNER)
    assert (shot.arrow_id, shot.arrow_tag) == (None, stranger.hex)


def test_scan_is_used_up_by_any_nocking() -> None:
    """One with a tag of its own, one whose arrow is taken off, one that was not sensed, and one of another bow."""
    context = replace(TWO_BOWS, scanners=frozenset({"arrow-1"}))
    for lane in (
        LaneReadings().scan(1.0).engage(2.0, OTHER).release(3.0),
        LaneReadings().scan(1.0).engage(2.0, None).removal(3.0),
        LaneReadings().scan(1.0).removal(3.0),
        LaneReadings().scan(1.0).flown(4.0, bow="bow-2"),
    ):
        assert shots(lane.flown(10.0), context)[-1].arrow_tag is None


def test_release_without_a_nocking_takes_the_scan() -> None:
    shot = only_shot(LaneReadings().scan(1.0).release(5.0), WITH_SCANNER)
    assert (shot.arrow_id, shot.flags) == (ARROW, (Flag.NO_ENGAGE, Flag.SCANNED))


def test_repeated_nocking_within_a_second_keeps_the_scan() -> None:
    lane = LaneReadings().scan(1.0).engage(2.0, None).engage(2.4, None).release(5.0)
    assert only_shot(lane, WITH_SCANNER).arrow_id == ARROW


def test_scan_makes_no_shot_and_no_end() -> None:
    found = assemble(LaneReadings().scan(1.0).scan(5.0, OTHER).readings, WITH_SCANNER)
    assert (found.shots, found.ends) == ([], [])


def test_tag_of_the_landing_comes_before_the_scan() -> None:
    shot = only_shot(LaneReadings().scan(1.0).flown(5.0).landing(5.36, OTHER), WITH_SCANNER)
    assert (shot.arrow_id, shot.flags) == (OTHER, (Flag.TAG_MISMATCH,))


def test_next_scan_shows_the_let_down_of_a_scanned_arrow() -> None:
    lane = LaneReadings().scan(1.0).shot(5.0, None).scan(8.0).shot(12.0, None).landing(12.36, None)
    assert [s.result for s in shots(lane, WITH_SCANNER)] == ["not_shot", "hit"]
    lane = LaneReadings().scan(1.0).shot(5.0, None).scan(8.0, OTHER).shot(12.0, None).landing(12.36, None)
    assert [s.result for s in shots(lane, WITH_SCANNER)] == ["miss", "hit"]


def test_scan_is_no_doubtful_reading_of_the_bow() -> None:
    """The reader saw the arrow outside the butt, so it was pulled unseen."""
    lane = LaneReadings().shot(5.0).landing(5.36).scan(20.0).flown(30.0).landing(30.36, None)
    assert shots(lane, WITH_SCANNER)[-1].arrow_id == ARROW


def test_dead_time_is_that_of_the_target() -> None:
    lane = LaneReadings().flown(5.0, "bow-1").flown(5.4, "bow-2").landing(5.36, None)
    slow = replace(TWO_BOWS, dead_times_s={"target-1": 0.5})
    assert [(s.result, s.flags) for s in shots(lane, slow)][1] == ("unknown", (Flag.DEAD_TIME,))
    assert [s.result for s in shots(lane, TWO_BOWS)] == ["hit", "miss"]


def test_speed_at_the_bow_separates_two_flights() -> None:
    lane = LaneReadings().flown(5.0).flown(5.2).landing(5.36, None).landing(5.56, None)
    assert [s.result for s in shots(lane)] == ["unknown", "unknown"]
    lane.readings = [replace(r, launch_mps=51.0) if r.kind == "release" else r for r in lane.readings]
    assert [s.result for s in shots(lane)] == ["hit", "hit"]
    lane.readings = [replace(r, launch_mps=900.0) if r.kind == "release" else r for r in lane.readings]
    assert [s.result for s in shots(lane)] == ["unknown", "unknown"], "a gate that is wrong narrows nothing"


@pytest.mark.parametrize(
    ("v0", "drag", "metres", "flight"),
    [
        (45.0, 2.8e-3, 70.0, 1.755),
        (57.0, 1.4e-3, 70.0, 1.300),
        (85.0, 1.4e-3, 18.0, 0.214),
        (80.0, 3.1e-3, 70.0, 0.980),
    ],
)
def test_every_bow_flies_as_its_speed_allows(v0: float, drag: float, metres: float, flight: float) -> None:
    """Flight times of slow and fast bows, thin and thick shafts."""
    assert flight == pytest.approx(math.expm1(drag * metres) / (drag * v0), rel=0.025)
    lane = LaneReadings().release(5.0, launch_mps=v0 * 1.02).landing(5.0 + flight * 1.02, None)
    context = replace(CONTEXT, target=replace(TARGET, distance_m=metres))
    release, landing = lane.readings
    assert flight_is_possible(release, landing, context)


def test_coarse_target_times_no_flight_and_blames_no_clock() -> None:
    lane = LaneReadings().flown(5.0).landing(5.30, None)
    lane.readings[-1] = replace(lane.readings[-1], error_s=0.1)
    shot = only_shot(lane)
    assert (shot.result, shot.tof_s, shot.speed_mps, shot.flags) == ("hit", None, None, ())


def test_slow_arrow_may_be_lost_behind_a_fast_one() -> None:
    """It was released earlier than the dead time before, and lands within it."""
    lane = LaneReadings().engage(3.0, None).release(5.0, cause=ReleaseCause.SHOT, launch_mps=32.0)
    lane.engage(4.0, None, "bow-2").release(5.3, "bow-2", cause=ReleaseCause.SHOT, launch_mps=90.0).landing(5.5, None)
    assert [(s.result, s.flags) for s in shots(lane, TWO_BOWS)] == [("unknown", (Flag.DEAD_TIME,)), ("hit", ())]


@pytest.mark.parametrize(("released", "result"), [(4.69, "miss"), (5.4, "unknown"), (5.55, "unknown"), (5.6, "miss")])
def test_arrow_of_another_bow_may_land_in_the_dead_time(released: float, result: str) -> None:
    """At 18 m an arrow flies for 0.15 to 0.6 s: a fast one may land soon after one that was released long before it."""
    lane = LaneReadings().flown(5.0).landing(5.4, None).flown(released, "bow-2")
    found = shots(lane, replace(TWO_BOWS, dead_times_s={"target-1": 0.3}))
    assert {shot.result for shot in found if shot.release == lane.readings[-1].key} == {result}
    assert {shot.result for shot in found if shot.release == lane.readings[1].key} == {"hit"}


def test_arrow_may_be_lost_behind_one_of_an_unknown_bow() -> None:
    lane = LaneReadings().landing(5.2, None).flown(5.1)
    assert (only_shot(lane).result, len(orphans(lane))) == ("miss", 1)
    slow = replace(CONTEXT, dead_times_s={"target-1": 0.5})
    assert (only_shot(lane, slow).result, only_shot(lane, slow).flags) == ("unknown", (Flag.DEAD_TIME,))


def test_arrows_of_one_bow_fly_for_the_same_time() -> None:
    lane = LaneReadings().flown(5.0).landing(5.4, None).flown(5.55)
    assert [shot.result for shot in shots(lane, replace(CONTEXT, dead_times_s={"target-1": 0.3}))] == ["hit", "miss"]


def test_ends_without_tags_close_by_time_and_forget_their_arrows() -> None:
    lane = LaneReadings().flown(5.0).landing(5.36, None).flown(12.0).landing(12.36, None, x=643.0)
    lane.flown(100.0).landing(100.36, None)
    found = assemble(lane.readings, covered_until(200.0))
    assert [end.closed_by for end in found.ends] == [EndClosure.TIMEOUT, EndClosure.TIMEOUT]
    assert [shot.flags for shot in found.shots] == [(), (Flag.CONTACT,), ()]


def assert_truth(history: History, truth: list[UntaggedTruth]) -> None:
    """The shots are the arrows that flew, with their places, ends, flight times and scanned arrows."""
    found = assemble(history.readings, history.context)
    assert found.orphans == []
    assert [shot.release for shot in found.shots] == [true.release for true in truth]
    for shot, true in zip(found.shots, truth, strict=True):
        assert (shot.result, true.result) in {("hit", "hit"), ("off_face", "hit"), ("miss", "miss")}
        assert (shot.x, shot.end_number, shot.arrow_id) == (true.x, true.end, true.scanned)
        assert shot.assignment == (None if true.x is None else "inferred")
        assert set(shot.flags) - {Flag.CONTACT} == ({Flag.SCANNED} if true.scanned else set())
        assert shot.tof_s == (None if true.flown_s is None else pytest.approx(true.flown_s))


@given(untagged_history())
@settings(max_examples=EXAMPLES, deadline=None)
def test_untagged_history_gives_exactly_the_truth(untagged: tuple[History, list[UntaggedTruth]]) -> None:
    assert_truth(*untagged)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(untagged_history())
@settings(max_examples=MANY, deadline=None)
def test_many_untagged_histories_give_exactly_the_truth(untagged: tuple[History, list[UntaggedTruth]]) -> None:
    assert_truth(*untagged)
