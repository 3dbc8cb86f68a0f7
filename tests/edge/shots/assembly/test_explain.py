"""The readings and numbers that a shot's result rests on."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from edge.common.vocabulary import Result
from edge.shots.assembly.explain import explain
from edge.shots.assembly.model import Correction
from edge.shots.assembly.timeline import BlindInterval
from tests.edge.shots.assembly.lane_readings import (
    ARROW,
    CONTEXT,
    FACE,
    OTHER,
    TWO_BOWS,
    LaneReadings,
    corrected,
    covered_until,
    only_shot,
    shots,
)


def test_hit_has_its_readings_its_flight_and_its_ring() -> None:
    lane = LaneReadings().shot(5.0).landing(5.36, x=640.0 + 70.0)
    explained = explain(lane.readings, CONTEXT, only_shot(lane).id)
    assert explained is not None
    assert [explained.engage, explained.release, explained.landing] == lane.readings
    assert explained.flight is not None
    assert (explained.flight.clock_error_s, explained.flight.landing_window_s) == (0.020, 3.0)
    assert explained.flight.least_s == pytest.approx(18 / 120 - 0.020)
    assert explained.flight.most_s == pytest.approx(18 / 30 + 0.020)
    assert explained.flight.seen_s == pytest.approx(0.36)
    (candidate,) = explained.candidates
    assert (candidate.possible, candidate.same_tag, candidate.chosen) == (True, True, True)
    assert explained.ring is not None
    assert (explained.ring.face_id, explained.ring.from_centre_mm, explained.ring.edge_mm) == (FACE.id, 70.0, 67.0)
    assert (explained.ring.zone_mm, explained.ring.higher_mm, explained.ring.band_mm) == (122.0, 61.0, 1.0)
    assert explained.shot.line_margin_mm == pytest.approx(-6.0)


def test_miss_has_its_watching_target_and_other_landings() -> None:
    lane = LaneReadings().shot(5.0, ARROW, "bow-1").shot(5.5, OTHER, "bow-2").landing(5.9, OTHER)
    missed, hit = shots(lane, TWO_BOWS)
    explained = explain(lane.readings, TWO_BOWS, missed.id)
    assert explained is not None
    (candidate,) = explained.candidates
    assert (candidate.possible, candidate.same_tag, candidate.chosen) == (False, False, False)
    assert candidate.taken_by == hit.id
    (device,) = explained.watching
    assert (device.device_id, device.since, device.until, device.is_complete) == ("target-1", 5.0, 8.0, True)
    assert (explained.ring, explained.landing) == (None, None)
    assert explained.flight is not None
    assert explained.flight.seen_s is None


def test_unknown_shot_has_the_blind_intervals() -> None:
    gap = BlindInterval("target-1", 6.0, 7.0)
    lane = LaneReadings().shot(5.0)
    context = replace(CONTEXT, blind=[gap, replace(gap, since=12.0, until=13.0)])
    explained = explain(lane.readings, context, only_shot(lane).id)
    assert explained is not None
    assert [(w.blind, w.is_complete) for w in explained.watching] == [((gap,), False)]
    silent = explain(lane.readings, replace(CONTEXT, watermarks={}), only_shot(lane).id)
    assert silent is not None
    assert [(w.watermark, w.is_complete) for w in silent.watching] == [(None, False)]


def test_shot_without_a_landing_has_the_gaps_of_the_bows() -> None:
    """They explain an unknown shot: a let-down shows by the next nocking, and another bow may have shot the landing."""
    lane = LaneReadings().shot(5.0, ARROW, "bow-1").shot(40.0, OTHER, "bow-2").landing(40.4, OTHER)
    own, other = BlindInterval("bow-1", 20.0, 21.0), BlindInterval("bow-2", 6.0, 7.0)
    context = covered_until(60.0, replace(TWO_BOWS, blind=[own, other, replace(other, since=30.0, until=31.0)]))
    missed, hit = shots(lane, context)
    assert missed.result is Result.UNKNOWN
    explained = explain(lane.readings, context, missed.id)
    assert explained is not None
    assert [(w.device_id, w.kind, w.blind) for w in explained.watching] == [
        ("target-1", "target", ()), ("bow-1", "bow", (own,)), ("bow-2", "bow", (other,)),
    ]  # fmt: skip
    landed = explain(lane.readings, context, hit.id)
    assert landed is not None
    assert [w.device_id for w in landed.watching] == ["target-1"]


def test_landing_without_a_release_has_the_watching_bows() -> None:
    lane = LaneReadings().landing(5.0)
    context = replace(CONTEXT, watermarks={"bow-1": 4.0, "target-1": 20.0})
    explained = explain(lane.readings, context, only_shot(lane, context).id)
    assert explained is not None
    assert (explained.flight, explained.candidates) == (None, ())
    (device,) = explained.watching
    assert (device.kind, device.watermark, device.is_complete) == ("bow", 4.0, False)


def test_corrected_shot_has_its_corrections() -> None:
    lane = LaneReadings().shot(5.0).landing(5.36)
    correction = Correction(lane.readings[1].key, Result.HIT, 9, reason="pulled the line")
    explained = explain(lane.readings, corrected(CONTEXT, correction), only_shot(lane).id)
    assert explained is not None
    assert explained.corrections == (correction,)
    assert explained.shot.points == 9
    assert explain(lane.readings, CONTEXT, uuid4()) is None
