"""The maps between the frames of a position."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.frames import IDENTITY, ButtPoint, FacePoint, SensorMap, SensorPoint, nominal_map
from edge.common.vocabulary import SensorOrigin

PLACES = st.floats(-2000.0, 2000.0)


def test_a_sensor_at_the_lower_left_needs_no_map() -> None:
    point = IDENTITY.to_butt(SensorPoint(12.5, 1279.0))
    assert point == ButtPoint(12.5, 1279.0)
    assert nominal_map(SensorOrigin.LOWER_LEFT, (1280.0, 1240.0)) == IDENTITY


def test_a_centred_sensor_counts_from_the_middle_of_the_butt() -> None:
    centred = nominal_map(SensorOrigin.CENTRE, (1280.0, 1240.0))
    assert centred.to_butt(SensorPoint(-10.0, 5.0)) == ButtPoint(630.0, 625.0)
    assert nominal_map(SensorOrigin.CENTRE, None) == IDENTITY


@given(PLACES, PLACES, st.floats(-3.0, 3.0), st.floats(0.5, 2.0))
def test_the_way_back_returns_to_the_sensed_place(x: float, y: float, degrees: float, scale: float) -> None:
    a, b = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    there = SensorMap(a, -b, b, a, 31.0, -17.0)
    back = there.to_sensor(there.to_butt(SensorPoint(x, y)))
    assert (back.x, back.y) == pytest.approx((x, y), abs=1e-6)


def test_a_positive_angle_turns_against_the_clock() -> None:
    assert SensorMap(0.0, -1.0, 1.0, 0.0).to_butt(SensorPoint(1.0, 0.0)) == ButtPoint(0.0, 1.0)


def test_a_place_on_a_face_counts_from_its_centre() -> None:
    centre = ButtPoint(640.0, 600.0)
    on_face = ButtPoint(643.0, 604.0).on_face(centre)
    assert on_face == FacePoint(3.0, 4.0)
    assert on_face.radius == 5.0
    assert on_face.on_butt(centre) == ButtPoint(643.0, 604.0)
    assert centre.distance_to(ButtPoint(643.0, 604.0)) == 5.0
