"""Engages and releases; tags read twice, at two bows, or of arrows that are elsewhere."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from edge.shots.assembly.model import Arrow
from edge.shots.assembly.nockings import expired_nockings
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    OTHER,
    TWO_BOWS,
    LaneReadings,
    covered_until,
    only_shot,
    shots,
)


def test_release_without_an_engage_has_no_draw_time() -> None:
    shot = only_shot(LaneReadings().release(5.0, tag=ARROW).landing(5.36))
    assert (shot.result, shot.arrow_engage_time, shot.flags) == ("hit", None, ("no_engage",))


def test_engage_without_a_release_is_no_shot() -> None:
    assert shots(LaneReadings().engage(5.0), covered_until(400.0)) == []
    late = only_shot(LaneReadings().engage(5.0).release(310.0), covered_until(400.0))
    assert (late.arrow_engage_time, late.arrow_tag, late.flags) == (None, None, ("no_engage",))


def test_expired_nockings_are_counted_after_the_time_out() -> None:
    lane = LaneReadings().engage(-5.0).engage(5.0).engage(5.5).shot(320.0).engage(330.0).engage(340.0).removal(350.0)
    lane.engage(400.0).engage(701.0)
    counted = {
        now: [nocking.engage.t for nocking in expired_nockings(lane.readings, covered_until(now))]
        for now in (304.9, 305.0, 1000.0, 1001.0)
    }
    assert counted == {304.9: [], 305.0: [5.0], 1000.0: [5.0, 400.0], 1001.0: [5.0, 400.0, 701.0]}
    closed = replace(covered_until(2000.0), closes=800.0)  # released after the closing, perhaps
    assert [nocking.engage.t for nocking in expired_nockings(lane.readings, closed)] == [5.0, 400.0]


def test_engage_before_the_session_gives_draw_time_and_arrow() -> None:
    shot = only_shot(LaneReadings().engage(-2.0).release(1.0).landing(1.36))
    assert shot.arrow_engage_time is not None
    assert (shot.arrow_id, shot.flags) == (ARROW, ())


def test_tag_read_twice_at_the_bow_is_one_engage() -> None:
    lane = LaneReadings().engage(3.0).engage(3.9).release(5.0).landing(5.36)
    assert only_shot(lane).arrow_engage_time == lane.readings[0].at
    lane = LaneReadings().engage(3.0).engage(4.1).release(5.0).landing(5.36)
    assert only_shot(lane).arrow_engage_time == lane.readings[1].at


@pytest.mark.parametrize("own_bow_first", [True, False])
def test_arrow_read_at_two_bows_stays_with_the_stronger_reading(own_bow_first: bool) -> None:
    lane = LaneReadings()
    if own_bow_first:
        lane.engage(3.0, ARROW, "bow-1", rssi=-40).engage(3.5, ARROW, "bow-2", rssi=-70)
    else:
        lane.engage(3.0, ARROW, "bow-2", rssi=-70).engage(3.5, ARROW, "bow-1", rssi=-40)
    lane.release(5.0, "bow-2").release(5.1, "bow-1").landing(5.4, OTHER, 700.0).landing(5.5, ARROW, 600.0)
    neighbour, own = shots(lane, TWO_BOWS)
    assert (own.arrow_id, own.x, own.assignment, own.flags) == (ARROW, 600.0, "id", ())
    assert (neighbour.arrow_id, neighbour.x) == (OTHER, 700.0)
    assert (neighbour.assignment, neighbour.flags) == ("inferred", ("cross_read",))


def test_cross_read_identifies_no_arrow_without_a_landing() -> None:
    lane = (
        LaneReadings().engage(3.0, ARROW, "bow-1", rssi=-40).engage(3.5, ARROW, "bow-2", rssi=-70).release(5.0, "bow-2")
    )
    shot = only_shot(lane, TWO_BOWS)
    assert (shot.result, shot.arrow_tag, shot.arrow_id) == ("miss", ARROW.hex, None)


@pytest.mark.parametrize("rssi", [None, -50])
def test_two_equally_strong_readings_are_both_doubted(rssi: int | None) -> None:
    lane = LaneReadings().engage(3.0, ARROW, "bow-1", rssi=rssi).engage(3.5, ARROW, "bow-2", rssi=rssi)
    lane.release(5.0, "bow-1").release(9.0, "bow-2").landing(9.4, ARROW)
    first, second = shots(lane, TWO_BOWS)
    assert (first.result, first.arrow_id, first.flags) == ("miss", None, ("cross_read",))
    assert (second.result, second.arrow_id, second.flags) == ("hit", ARROW, ("cross_read",))


def test_arrow_that_changes_hands_is_no_cross_read() -> None:
    lane = LaneReadings().shot(5.0, bow="bow-1").landing(5.4).tags(8.0).shot(15.0, bow="bow-2").landing(15.4)
    assert [shot.flags for shot in shots(lane, TWO_BOWS)] == [(), ()]


def test_tag_of_an_arrow_in_the_butt_is_doubted_at_the_bow() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4).shot(12.0, ARROW).landing(12.4, OTHER, 700.0)
    _, second = shots(lane)
    assert (second.arrow_id, second.assignment, second.flags) == (OTHER, "inferred", ("wrong_tag",))
    waiting = shots(LaneReadings().shot(5.0).landing(5.4).shot(12.0, ARROW))[1]
    assert (waiting.arrow_tag, waiting.arrow_id, waiting.flags) == (ARROW.hex, None, ("wrong_tag",))


def test_bow_was_right_when_the_arrow_lands_again() -> None:
    _, second = shots(LaneReadings().shot(5.0).landing(5.4).shot(12.0).landing(12.4, x=700.0))
    assert (second.arrow_id, second.assignment, second.flags) == (ARROW, "id", ())


def test_unregistered_arrow_is_linked_once_registered() -> None:
    stranger = uuid4()
    lane = LaneReadings().shot(5.0, stranger).landing(5.4, stranger)
    shot = only_shot(lane)
    assert (shot.result, shot.arrow_id, shot.arrow_tag, shot.diameter_assumed) == ("hit", None, stranger.hex, True)
    known = only_shot(lane, replace(CONTEXT, arrows={stranger: Arrow(stranger, 6.0, True)}))
    assert (known.id, known.arrow_id, known.diameter_assumed) == (shot.id, stranger, False)


@pytest.mark.parametrize("tag", ["e2806890", "zz" * 16])
def test_tag_that_is_no_arrow_id_is_kept_as_text(tag: str) -> None:
    lane = LaneReadings().shot(5.0).landing(5.4)
    lane.readings = [replace(reading, tag=tag) for reading in lane.readings]
    shot = only_shot(lane)
    assert (shot.result, shot.assignment, shot.arrow_id, shot.arrow_tag) == ("hit", "id", None, tag)


def test_voided_arrow_is_flagged_from_its_voiding_on() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4).tags(8.0).shot(15.0).landing(15.4)
    context = replace(CONTEXT, arrows={ARROW: Arrow(ARROW, 6.0, False, voided=10.0)})
    assert [(s.result, s.arrow_id, s.flags) for s in shots(lane, context)] == [
        ("hit", ARROW, ()),
        ("hit", ARROW, ("retired_arrow",)),
    ]


def test_landing_tag_replaces_a_voided_arrow() -> None:
    context = replace(CONTEXT, arrows={ARROW: Arrow(ARROW, 6.0, False), OTHER: Arrow(OTHER, 6.0, True)})
    shot = only_shot(LaneReadings().shot(5.0).landing(5.4, OTHER), context)
    assert (shot.arrow_id, shot.assignment, shot.flags) == (OTHER, "inferred", ("tag_mismatch",))
