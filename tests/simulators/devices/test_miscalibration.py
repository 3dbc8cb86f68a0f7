"""Simulated targets that are mounted askew: how far, how repeatably, and for any kind of node."""

from __future__ import annotations

import math
import statistics

import pytest

from drivers.link import codec as link
from simulators.devices.contract import DeviceSpec
from simulators.devices.lane_device import LaneDevice
from simulators.devices.miscalibration import (
    MAX_ROTATION_DEG,
    MAX_SCALE_ERROR,
    MAX_SHIFT_MM,
    NOISE_MM,
    Miscalibration,
)
from simulators.devices.target_link import sense
from simulators.world.range import FIXED_START_US, Event, EventKind, World

MIDDLE = 640.0
SPEC = DeviceSpec("target-1", "target.link", 1)


def askew(seed: int = 1, device: str = "target-1") -> Miscalibration:
    return Miscalibration.draw(World(seed, FIXED_START_US), device, 1)


def test_errors_stay_within_their_bounds_and_use_them() -> None:
    found = [askew(seed) for seed in range(200)]
    shifts = [math.hypot(*one.shift_mm) for one in found]
    turns = [abs(math.degrees(one.rotation_rad)) for one in found]
    scales = [abs(one.scale - 1.0) for one in found]
    for values, most in ((shifts, MAX_SHIFT_MM), (turns, MAX_ROTATION_DEG), (scales, MAX_SCALE_ERROR)):
        assert 0.9 * most < max(values) <= most


def test_seed_and_device_decide_the_error() -> None:
    assert askew() == askew()
    assert len({askew(1), askew(2), askew(1, "target-2")}) == 3


def test_place_is_a_similarity_about_the_middle() -> None:
    one = askew(7)
    shifted = one.place(MIDDLE, MIDDLE)
    assert shifted == pytest.approx((MIDDLE + one.shift_mm[0], MIDDLE + one.shift_mm[1]))
    right = one.place(MIDDLE + 400.0, MIDDLE)
    assert math.dist(shifted, right) == pytest.approx(400.0 * one.scale)
    assert math.atan2(right[1] - shifted[1], right[0] - shifted[0]) == pytest.approx(one.rotation_rad)


def test_noise_is_drawn_for_each_event_and_repeatable() -> None:
    one, errors = askew(), []
    for at_us in range(2000):
        event = one.distort(Event(at_us, 1, EventKind.LANDING, None, 300.0, 900.0))
        assert event.x_mm is not None
        assert event.y_mm is not None
        errors += [event.x_mm - one.place(300.0, 900.0)[0], event.y_mm - one.place(300.0, 900.0)[1]]
    assert statistics.mean(errors) == pytest.approx(0.0, abs=0.02)
    assert statistics.stdev(errors) == pytest.approx(NOISE_MM, rel=0.05)
    landing = Event(5, 1, EventKind.LANDING, None, 300.0, 900.0)
    assert one.distort(landing) == one.distort(landing)


def test_events_without_a_position_stay_as_they_are() -> None:
    pulled = Event(5, 1, EventKind.PULLED)
    assert askew().distort(pulled) is pulled


class Recorder:
    """A node that keeps what it senses."""

    def __init__(self) -> None:
        self.sensed: list[link.Event] = []

    def sense(self, event: link.Event, at_us: int) -> None:
        del at_us
        self.sensed.append(event)

    def poll(self, now_us: int) -> list[bytes]:
        del now_us
        return []

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        del data, now_us
        return []

    def reboot(self, now_us: int, blind_us: int) -> None:
        del now_us, blind_us

    def next_due_us(self) -> int:
        return FIXED_START_US


def landings(*, is_askew: bool) -> list[link.Landing]:
    """The landings that a target senses in the first minute."""
    world, node = World(7, FIXED_START_US, 20.0), Recorder()
    device = LaneDevice(SPEC, world, node, sense, FIXED_START_US)
    if is_askew:
        device.miscalibrate(Miscalibration.draw(world, SPEC.name, 1))
    device.poll(FIXED_START_US + 60_000_000)
    return [event for event in node.sensed if isinstance(event, link.Landing)]


def test_target_reports_every_landing_askew() -> None:
    true, seen = landings(is_askew=False), landings(is_askew=True)
    error = Miscalibration.draw(World(7, FIXED_START_US), SPEC.name, 1)
    assert len(true) == len(seen) > 5
    for one, other in zip(true, seen, strict=True):
        assert None not in (one.x_mm, one.y_mm, other.x_mm, other.y_mm)
        place = error.place(one.x_mm or 0.0, one.y_mm or 0.0)
        assert (other.x_mm, other.y_mm) == pytest.approx(place, abs=6 * NOISE_MM)
        assert one.tag == other.tag


def test_pressed_probe_is_a_pin_at_the_misplaced_point() -> None:
    node, world = Recorder(), World(7, FIXED_START_US + 10**9)
    device = LaneDevice(SPEC, world, node, sense, FIXED_START_US)
    assert device.press(100.0, 200.0, FIXED_START_US + 1) is EventKind.PIN
    error = Miscalibration.draw(world, SPEC.name, 1)
    device.miscalibrate(error)
    device.press(100.0, 200.0, FIXED_START_US + 2)
    exact, askew_pin = node.sensed
    assert exact == link.Pin(100.0, 200.0)
    assert isinstance(askew_pin, link.Pin)
    assert (askew_pin.x_mm, askew_pin.y_mm) == pytest.approx(error.place(100.0, 200.0), abs=6 * NOISE_MM)


def test_device_without_a_probe_gets_an_arrow() -> None:
    node, world = Recorder(), World(7, FIXED_START_US + 10**9)
    device = LaneDevice(
        SPEC, world, node, lambda event: None if event.kind is EventKind.PIN else sense(event), FIXED_START_US
    )
    assert device.press(100.0, 200.0, FIXED_START_US + 1) is EventKind.LANDING
    assert node.sensed == [link.Landing(100.0, 200.0, 100, None)]
    blind = LaneDevice(SPEC, world, node, lambda _: None, FIXED_START_US)
    with pytest.raises(ValueError, match="senses no position"):
        blind.press(100.0, 200.0, FIXED_START_US + 1)
