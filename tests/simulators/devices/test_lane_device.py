"""The bow and the target of a lane report the world's truth, each in its own ticks."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.link import codec as link
from simulators.devices.lane_device import DeviceSpec, LaneDevice
from simulators.world.range import FIXED_START_US, World
from tests.simulators.devices.acknowledging_hub import Hub, ack

S = 1_000_000
START = FIXED_START_US


def run(device: LaneDevice, since_us: int, until_us: int) -> Hub:
    """Poll the device when it wants to be polled, and acknowledge all."""
    hub, now = Hub(), since_us
    while now < until_us:
        for frame in hub.hear(device.poll(now)):
            if isinstance(frame.message, link.Event):
                hub.hear(device.receive(ack(frame), now))
        due = device.next_due_us()
        assert due > now
        now = due
    return hub


def host_us(device: LaneDevice, tick: int) -> float:
    """A node's tick as host instant: the test knows the node's clock, the hub has to learn it."""
    clock = device.node._clock
    return clock.zero_us + tick / (1 + clock.drift_ppb / 1e9)


@given(st.integers(0, 10_000), st.floats(1.0, 20.0), st.integers(1, 99))
@settings(max_examples=25, deadline=None)
def test_both_devices_tell_the_truth_between_them(seed: int, speed: float, lane: int) -> None:
    world = World(seed, START, speed)
    until = START + round(2 * 240 * S / speed) + 2 * S
    bow = LaneDevice(DeviceSpec(f"bow-{lane}", "bow.link", lane), world, START + S)
    target = LaneDevice(DeviceSpec(f"target-{lane}", "target.link", lane), world, START + S)
    sensed: dict[str, list[tuple[object, ...]]] = {"engage": [], "release": [], "landing": [], "pulled": []}
    for device in (bow, target):
        hub = run(device, START + S, until)
        assert hub.decoder.counters.damaged == 0
        events = hub.events()
        assert [f.seq for f in events] == list(range(1, len(events) + 1))
        for frame in events:
            at = host_us(device, frame.t_us)
            match frame.message:
                case link.Engage(tag=tag):
                    sensed["engage"].append((at, tag))
                case link.Release(tag=tag, cause=link.ReleaseCode.SHOT):
                    sensed["release"].append((at, tag))
                case link.Landing(x_mm=x, y_mm=y, tag=tag, quality=100):
                    sensed["landing"].append((at, tag, x, y))
                case link.Tags(tags=()):
                    sensed["pulled"].append((at,))
                case other:
                    pytest.fail(f"unexpected {other}")
    expected = world.events(lane, START, until)
    for kind, told in sensed.items():
        happened = [e for e in expected if e.kind == kind]
        assert len(told) == len(happened)
        for (told_at, *values), event in zip(told, happened, strict=True):
            assert told_at == pytest.approx(event.at_us, abs=2)
            if kind != "pulled":
                assert isinstance(event.arrow_id, UUID)
                assert values[0] == event.arrow_id.hex
            if kind == "landing":
                assert values[1:] == [event.x_mm, event.y_mm]


def test_what_happened_before_the_device_was_there_is_not_told() -> None:
    world = World(7, START, 20.0)
    now = START + 9 * 3600 * S + 4 * S
    device = LaneDevice(DeviceSpec("bow-1", "bow.link", 1), world, now)
    hub = run(device, now, now + 20 * S)
    hello = hub.frames[0]
    assert isinstance(hello.message, link.Hello)
    assert hello.t_us == 0  # it boots now and claims nothing about the past
    assert (hello.message.blind_us, hello.message.earlier) == (None, ())
    events = hub.events()
    assert events
    assert all(host_us(device, f.t_us) >= now for f in events)
    released = [f for f in events if isinstance(f.message, link.Release)]
    assert len(released) == len(world.releases(1, now, now + 20 * S))


def test_a_device_that_saw_the_range_open_is_up_for_long() -> None:
    device = LaneDevice(DeviceSpec("bow-1", "bow.link", 1), World(7, START), START + S)
    hub = Hub()
    assert hub.hear(device.poll(START + S))[0].t_us > S


def test_a_simulator_that_comes_up_late_was_there_from_the_start() -> None:
    world = World(7, START, 20.0)
    until = START + 14 * S
    told = []
    for late_us in (0, 1 * S, 9 * S):
        hub = run(LaneDevice(DeviceSpec("bow-1", "bow.link", 1), world, START + late_us), START + late_us, until)
        told.append([(f.boot_id, f.seq, f.t_us, f.message) for f in hub.events()])
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == len([e for e in world.events(1, START, until) if e.kind in ("engage", "release")])


def test_a_simulator_started_again_later_is_another_boot() -> None:
    world, spec = World(7, START), DeviceSpec("bow-1", "bow.link", 1)
    boots = {LaneDevice(spec, world, START + 3600 * S + n).node.boot_id for n in range(50)}
    assert len(boots) == 50
    assert 0 not in boots


def test_a_release_limit_ends_the_reports_but_not_the_heartbeats() -> None:
    free = World(7, START, 20.0)
    limit = free.nth_release(3).released_us + 1
    world = World(7, START, 20.0, release_limit_us=limit)
    hub = run(LaneDevice(DeviceSpec("bow-1", "bow.link", 1), world, START), START, START + 600 * S)
    assert sum(isinstance(f.message, link.Release) for f in hub.events()) == 3
    assert sum(isinstance(f.message, link.Heartbeat) for f in hub.frames) == 600


def test_a_reboot_loses_only_what_happens_in_its_blind_time() -> None:
    world = World(7, START, 20.0)
    device = LaneDevice(DeviceSpec("bow-1", "bow.link", 1), world, START)
    second = world.events(1, START, START + 20 * S)[1].at_us
    device.poll(second - 200_000)
    device.reboot(second - 100_000, blind_us=150_000)
    hub = run(device, second - 50_000, second + 5 * S)
    assert device.node.counters.blind == 1
    told = sorted({(f.boot_id, f.seq) for f in hub.events()})
    assert len(told) == len([e for e in world.events(1, START, second + 5 * S) if e.kind in ("engage", "release")]) - 1


def test_a_reboot_waits_for_a_moment_in_which_nothing_happens() -> None:
    world = World(7, START, 20.0)
    device = LaneDevice(DeviceSpec("target-1", "target.link", 1), world, START)
    landed = next(e.at_us for e in world.events(1, START + 10 * S, START + 60 * S) if e.kind == "landing")
    device.poll(landed - 200_000)
    assert device.may_reboot(landed - 200_000, 100_000)
    assert not device.may_reboot(landed - 200_000, 200_000)
    device.poll(landed)
    device.reboot(landed + 1, 100)
    assert device.may_reboot(landed + 200, 100)  # nobody heard of this boot, and what it sensed is dated all the same


def test_a_driver_without_a_simulator_is_named() -> None:
    with pytest.raises(ValueError, match=r"'bow\.gpio'; there are bow\.link, target\.link"):
        LaneDevice(DeviceSpec("bow-1", "bow.gpio", 1), World(7, START), START)
