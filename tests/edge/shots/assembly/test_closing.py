"""Readings around the closing of a session: those that belong to it, and those of no session."""

from __future__ import annotations

from dataclasses import replace

from edge.shots.assembly.assemble import Assembly, assemble
from edge.shots.assembly.model import ReadingKey
from edge.shots.assembly.timeline import PreviousSession
from tests.edge.shots.assembly.lane_readings import CONTEXT, OTHER, TWO_BOWS, LaneReadings, only_shot, orphans, shots

CLOSES = replace(CONTEXT, closes=10.0)
NO_BOW = replace(CLOSES, bows=frozenset())


def test_arrow_released_before_the_closing_counts() -> None:
    assert only_shot(LaneReadings().shot(9.9).landing(10.3), CLOSES).result == "hit"
    assert only_shot(LaneReadings().shot(9.9).landing(12.7), CLOSES).flags == ("late",)
    assert only_shot(LaneReadings().shot(9.9), CLOSES).result == "miss"


def test_arrow_released_after_the_closing_is_no_shot() -> None:
    lane = LaneReadings().shot(10.1).landing(10.5)
    assert (shots(lane, CLOSES), orphans(lane, CLOSES)) == ([], [])


def test_arrow_after_the_closing_takes_its_own_landing() -> None:
    lane = LaneReadings().shot(9.9, bow="bow-1").shot(10.2, None, "bow-2").landing(10.6, OTHER)
    assert only_shot(lane, replace(TWO_BOWS, closes=10.0)).result == "miss"


def test_landing_after_the_closing_counts_for_the_flight_time() -> None:
    assert only_shot(LaneReadings().landing(10.5), NO_BOW).result == "hit"
    lane = LaneReadings().landing(10.7)
    assert (shots(lane, NO_BOW), orphans(lane, NO_BOW)) == ([], [])


def test_landing_long_after_the_closing_is_ignored() -> None:
    lane = LaneReadings().landing(11.0, None)
    assert (shots(lane, CLOSES), orphans(lane, CLOSES)) == ([], [])


def test_last_end_closes_with_the_session() -> None:
    (end,) = assemble(LaneReadings().shot(5.0).landing(5.4).readings, CLOSES).ends
    assert (end.closes, end.closed_by) == (10.0, "session")


def test_session_with_an_earlier_start_has_the_arrows_since() -> None:
    lane = LaneReadings().shot(5.0).landing(5.4)
    assert len(shots(lane, CONTEXT)) == 1
    assert shots(lane, replace(CONTEXT, starts=6.0)) == []


def test_landing_of_the_previous_session_is_not_claimed_again() -> None:
    lane = LaneReadings().landing(10.4).landing(12.0, OTHER)
    for context in (NO_BOW, CLOSES):  # a lane without a bow, and beside one
        first = assemble(lane.readings, context)
        after = replace(context, starts=10.0, closes=None, previous=PreviousSession(closes=10.0, lands_until=10.6))
        second = assemble(lane.readings, after)
        assert [key.seq for key in claimed(first)] == [1]
        assert [key.seq for key in claimed(second)] == [2]
        assert [end.opens for end in second.ends] == [12.0]


def test_release_at_the_closing_belongs_to_the_closed_session() -> None:
    lane = LaneReadings().shot(10.0).landing(10.4)
    assert only_shot(lane, CLOSES).result == "hit"
    assert shots(lane, replace(CONTEXT, starts=10.0, previous=PreviousSession(closes=10.0, lands_until=10.6))) == []


def test_landing_before_the_start_is_not_replaced_by_another() -> None:
    lane = LaneReadings().shot(9.7, None).landing(9.95, None).shot(10.05, None).landing(10.25, None)
    (shot,) = shots(lane, replace(CONTEXT, starts=10.0, previous=PreviousSession(closes=10.0, lands_until=10.6)))
    assert shot.landing == lane.readings[-1].key


def claimed(found: Assembly) -> list[ReadingKey]:
    """Every landing of a shot, and every orphan."""
    return [shot.landing for shot in found.shots if shot.landing] + [landing.key for landing in found.orphans]
