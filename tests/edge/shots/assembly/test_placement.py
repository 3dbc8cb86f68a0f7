"""Landings are mapped by the calibration that was active when the arrow landed."""

from __future__ import annotations

import math
from dataclasses import replace
from uuid import uuid4

import pytest

from edge.common.frames import SensorMap
from edge.common.vocabulary import Flag, SensorOrigin
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.explain import explain
from edge.shots.assembly.incremental import IncrementalAssembly
from edge.shots.assembly.placement import Activation, Calibration, Placement
from tests.edge.shots.assembly.lane_readings import CONTEXT, OTHER, LaneReadings, only_shot, shots

SHIFTED = Calibration(uuid4(), SensorMap(x0=100.0, y0=-50.0), 0.3)
FINE = Calibration(uuid4(), SensorMap(), 0.05)


def placed(*activations: Activation, origin: SensorOrigin = SensorOrigin.LOWER_LEFT) -> SessionContext:
    return replace(CONTEXT, placements={"target-1": Placement(origin, activations)})


def test_a_landing_takes_the_calibration_active_then() -> None:
    lane = (
        LaneReadings().shot(4.0).landing(4.36, x=600.0, y=650.0).shot(9.0, OTHER).landing(9.36, OTHER, x=540.0, y=690.0)
    )
    before, after = shots(lane, placed(Activation(6.0, SHIFTED)))
    assert (before.x, before.y, before.calibration_id) == (600.0, 650.0, None)
    assert (after.x, after.y, after.calibration_id) == (640.0, 640.0, SHIFTED.id)
    assert (before.points, after.points) == (10, 10)


def test_a_rollback_of_the_first_one_is_nominal_again() -> None:
    lane = LaneReadings().shot(4.0).landing(4.36)
    shot = only_shot(lane, placed(Activation(1.0, SHIFTED), Activation(2.0, None)))
    assert (shot.x, shot.calibration_id) == (640.0, None)


def test_of_two_activations_at_once_the_later_entry_counts() -> None:
    lane = LaneReadings().shot(4.0).landing(4.36)
    assert only_shot(lane, placed(Activation(1.0, SHIFTED), Activation(1.0, FINE))).calibration_id == FINE.id


def test_an_activation_at_the_landing_itself_counts() -> None:
    lane = LaneReadings().shot(4.0).landing(4.36)
    assert only_shot(lane, placed(Activation(4.36, SHIFTED))).calibration_id == SHIFTED.id


def test_a_chosen_calibration_counts_until_the_next_activation() -> None:
    """A rescore chose it after the first activation and before the second; it is valid for all earlier landings."""
    lane = LaneReadings().shot(4.0).landing(4.36).shot(9.0, OTHER).landing(9.36, OTHER)
    chosen, later = Activation(-math.inf, FINE), Activation(6.0, SHIFTED)
    found = shots(lane, placed(Activation(1.0, SHIFTED), chosen, later))
    assert [shot.calibration_id for shot in found] == [FINE.id, SHIFTED.id]
    assembly = IncrementalAssembly()
    assembly.update(lane.readings, placed(Activation(1.0, SHIFTED)))
    changed = assembly.update([], placed(Activation(1.0, SHIFTED), chosen)).shots
    assert [shot.calibration_id for shot in changed] == [FINE.id, FINE.id]


def test_a_centred_sensor_is_placed_on_the_middle_of_the_butt() -> None:
    lane = LaneReadings().shot(4.0).landing(4.36, x=-3.0, y=4.0)
    shot = only_shot(lane, placed(origin=SensorOrigin.CENTRE))
    assert (shot.x, shot.y, shot.points) == (637.0, 644.0, 10)


@pytest.mark.parametrize(("calibration", "is_near"), [(None, True), (SHIFTED, True), (FINE, False)])
def test_the_line_call_is_within_two_sigma(calibration: Calibration | None, *, is_near: bool) -> None:
    """0.4 mm from a line: within twice the assumed 0.5 mm and twice 0.3 mm, but not within twice 0.05 mm."""
    on_butt = (640.0 + 61.0 + 3.0 - 0.4, 640.0)
    x, y = (on_butt[0] - 100.0, on_butt[1] + 50.0) if calibration is SHIFTED else on_butt
    lane = LaneReadings().shot(4.0).landing(4.36, x=x, y=y)
    shot = only_shot(lane, placed(Activation(0.0, calibration)))
    assert shot.line_margin_mm == pytest.approx(0.4)
    assert shot.line_call is is_near


def test_contacts_are_found_on_the_butt() -> None:
    """An activation between two arrows: their raw positions are far apart, their places on the butt are not."""
    lane = (
        LaneReadings().shot(4.0).landing(4.36, x=640.0, y=640.0).shot(9.0, OTHER).landing(9.36, OTHER, x=544.0, y=690.0)
    )
    _, second = shots(lane, placed(Activation(6.0, SHIFTED)))
    assert Flag.CONTACT in second.flags


def test_explanations_show_the_sensed_place_and_that_on_the_butt() -> None:
    lane = LaneReadings().shot(4.0).landing(4.36, x=540.0, y=690.0)
    context = placed(Activation(1.0, SHIFTED))
    found = explain(lane.readings, context, only_shot(lane, context).id)
    assert found is not None
    assert found.placing is not None
    assert (found.placing.sensed.x, found.placing.on_butt.x, found.placing.calibration_id) == (540.0, 640.0, SHIFTED.id)
    assert found.ring is not None
    assert (found.ring.from_centre_mm, found.ring.band_mm) == (0.0, 0.6)
