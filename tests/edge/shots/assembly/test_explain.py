"""What a shot's verdict rests on."""

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
    only_shot,
    shots,
)


def test_a_hit_is_explained_by_its_readings_its_flight_and_its_ring() -> None:
    lane = LaneReadings().shot(5.0).landing(5.36, x=640.0 + 70.0)
    told = explain(lane.readings, CONTEXT, only_shot(lane).id)
    assert told is not None
    assert [told.engage, told.release, told.landing] == lane.readings
    assert told.flight is not None
    assert (told.flight.clock_error_s, told.flight.landing_window_s) == (0.020, 3.0)
    assert told.flight.least_s == pytest.approx(18 / 120 - 0.020)
    assert told.flight.most_s == pytest.approx(18 / 30 + 0.020)
    assert told.flight.seen_s == pytest.approx(0.36)
    (candidate,) = told.candidates
    assert (candidate.possible, candidate.same_tag, candidate.chosen) == (True, True, True)
    assert told.ring is not None
    assert (told.ring.face_id, told.ring.from_centre_mm, told.ring.edge_mm) == (FACE.id, 70.0, 67.0)
    assert (told.ring.zone_mm, told.ring.higher_mm, told.ring.band_mm) == (122.0, 61.0, 1.0)
    assert told.shot.line_margin_mm == pytest.approx(-6.0)


def test_a_miss_is_explained_by_who_watched_and_by_the_landings_that_were_others() -> None:
    lane = LaneReadings().shot(5.0, ARROW, "bow-1").shot(5.5, OTHER, "bow-2").landing(5.9, OTHER)
    missed, hit = shots(lane, TWO_BOWS)
    told = explain(lane.readings, TWO_BOWS, missed.id)
    assert told is not None
    (candidate,) = told.candidates
    assert (candidate.possible, candidate.same_tag, candidate.chosen) == (False, False, False)
    assert candidate.taken_by == hit.id
    (watch,) = told.watching
    assert (watch.device_id, watch.since, watch.until, watch.is_complete) == ("target-1", 5.0, 8.0, True)
    assert (told.ring, told.landing) == (None, None)
    assert told.flight is not None
    assert told.flight.seen_s is None


def test_an_unknown_shot_shows_when_the_target_was_blind() -> None:
    gap = BlindInterval("target-1", 6.0, 7.0)
    lane = LaneReadings().shot(5.0)
    context = replace(CONTEXT, blind=[gap, replace(gap, since=12.0, until=13.0), replace(gap, device_id="bow-1")])
    told = explain(lane.readings, context, only_shot(lane).id)
    assert told is not None
    assert [(w.blind, w.is_complete) for w in told.watching] == [((gap,), False)]
    silent = explain(lane.readings, replace(CONTEXT, watermarks={}), only_shot(lane).id)
    assert silent is not None
    assert [(w.watermark, w.is_complete) for w in silent.watching] == [(None, False)]


def test_a_landing_without_a_release_shows_what_the_bows_could_see() -> None:
    lane = LaneReadings().landing(5.0)
    context = replace(CONTEXT, watermarks={"bow-1": 4.0, "target-1": 20.0})
    told = explain(lane.readings, context, only_shot(lane, context).id)
    assert told is not None
    assert (told.flight, told.candidates) == (None, ())
    (watch,) = told.watching
    assert (watch.kind, watch.watermark, watch.is_complete) == ("bow", 4.0, False)


def test_a_corrected_shot_shows_who_said_what_and_an_unknown_id_nothing() -> None:
    lane = LaneReadings().shot(5.0).landing(5.36)
    said = Correction(lane.readings[1].key, Result.HIT, 9, reason="pulled the line")
    told = explain(lane.readings, corrected(CONTEXT, said), only_shot(lane).id)
    assert told is not None
    assert told.corrections == (said,)
    assert told.shot.points == 9
    assert explain(lane.readings, CONTEXT, uuid4()) is None
