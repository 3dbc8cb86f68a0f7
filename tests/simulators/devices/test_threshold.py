"""The settings of a simulated bow act as those of a real one: too sensitive, right, or too dull."""

from __future__ import annotations

from collections import Counter

import pytest

from drivers.link import codec as link
from simulators.devices.contract import DeviceSpec
from simulators.devices.link_device import LinkDevice
from simulators.devices.threshold import LONGEST_BOUNCE_MS, LOUDEST_BUMP, STRONGEST_EDGE, WEAKEST_EDGE
from simulators.world.range import EventKind, World
from tests.simulators.devices.acknowledging_hub import Hub, hub_frame
from tests.simulators.devices.test_lane_device import START, S, new_device, run

SPEC = DeviceSpec("bow-1", "bow.link", 1)
END = START + 300 * S


def configured(driver: str, threshold: int, window_ms: int = 50) -> LinkDevice:
    """A device with these settings, before its first event."""
    device = new_device(DeviceSpec(f"{driver.partition('.')[0]}-1", driver, 1), World(5, START, 4.0), START)
    hub = Hub()
    hub.receive(device.poll(START))
    hub.receive(device.receive(hub_frame(link.Config(threshold, window_ms)), START))
    return device


def sensed(device: LinkDevice) -> Counter[str]:
    hub = run(device, START, END)
    return Counter(type(frame.message).__name__ for frame in hub.frames if isinstance(frame.message, link.Event))


def true_edges() -> Counter[str]:
    names = {EventKind.ENGAGE: "Engage", EventKind.RELEASE: "Release"}
    return Counter(names[e.kind] for e in World(5, START, 4.0).events(1, START, END) if e.kind in names)


@pytest.mark.parametrize("threshold", [LOUDEST_BUMP + 1, 100, WEAKEST_EDGE])
def test_thresholds_between_noise_and_edges_are_exact(threshold: int) -> None:
    assert sensed(configured("bow.link", threshold)) == true_edges()


def test_low_thresholds_sense_handling_as_edges() -> None:
    low, medium, true = sensed(configured("bow.link", 0)), sensed(configured("bow.link", 50)), true_edges()
    assert low["Release"] == true["Release"] + 3 * true["Engage"]
    assert low["Engage"] == 4 * true["Engage"]
    assert true["Engage"] < medium["Engage"] < low["Engage"]


def test_high_thresholds_miss_edges() -> None:
    half, none, true = sensed(configured("bow.link", 220)), sensed(configured("bow.link", STRONGEST_EDGE)), true_edges()
    assert 0.2 * true.total() < half.total() < 0.8 * true.total()
    assert none.total() == 0
    assert sensed(configured("target.link", STRONGEST_EDGE)).keys() == {"Tags"}


def test_short_windows_sense_the_bounce_of_the_switch() -> None:
    true = true_edges()
    assert sensed(configured("bow.link", 100, 0)) == true + true
    assert true.total() < sensed(configured("bow.link", 100, 20)).total() < 2 * true.total()
    assert sensed(configured("bow.link", 100, LONGEST_BOUNCE_MS + 1)) == true


def test_false_edges_are_the_same_in_every_run() -> None:
    first, second = (run(configured("bow.link", 30), START, END) for _ in range(2))
    assert [frame.message for frame in first.frames] == [frame.message for frame in second.frames]
