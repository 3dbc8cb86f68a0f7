"""The simulated bow and target of a lane report the world's events, each in its own ticks."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.link import codec as link
from simulators.devices.chatter import Chatter, Noise
from simulators.devices.clock import AS_DRAWN
from simulators.devices.contract import DeviceSpec
from simulators.devices.link_device import LinkDevice
from simulators.devices.registry import load_line_simulator
from simulators.world.draws import Draws
from simulators.world.range import FIXED_START_US, EventKind, World
from tests.simulators.devices.acknowledging_hub import Hub, ack

S = 1_000_000
START = FIXED_START_US


def new_device(spec: DeviceSpec, world: World, now_us: int) -> LinkDevice:
    device = load_line_simulator(spec.driver).make(spec, world, now_us, AS_DRAWN)
    assert isinstance(device, LinkDevice)
    return device


def run(device: LinkDevice, since_us: int, until_us: int) -> Hub:
    """Poll the device when it is due, and acknowledge every event."""
    hub, now = Hub(), since_us
    while now < until_us:
        for frame in hub.receive(device.poll(now)):
            if isinstance(frame.message, link.Event):
                hub.receive(device.receive(ack(frame), now))
        due = device.next_due_us()
        assert due > now
        now = due
    return hub


def host_us(device: LinkDevice, tick: int) -> float:
    """A node's tick as a host instant. The test reads the node's clock; the hub must estimate it."""
    clock = device.node._clock
    return clock.zero_us + tick / (1 + clock.drift_ppb / 1e9)


@given(st.integers(0, 10_000), st.floats(1.0, 20.0), st.integers(1, 99))
@settings(max_examples=25, deadline=None)
def test_both_devices_report_every_event_of_the_lane(seed: int, speed: float, lane: int) -> None:
    world = World(seed, START, speed)
    until = START + round(2 * 240 * S / speed) + 2 * S
    bow = new_device(DeviceSpec(f"bow-{lane}", "bow.link", lane), world, START + S)
    target = new_device(DeviceSpec(f"target-{lane}", "target.link", lane), world, START + S)
    sensed: dict[EventKind, list[tuple[object, ...]]] = {kind: [] for kind in EventKind}
    for device in (bow, target):
        hub = run(device, START + S, until)
        assert hub.decoder.counters.damaged == 0
        events = hub.events()
        assert [f.seq for f in events] == list(range(1, len(events) + 1))
        for frame in events:
            at = host_us(device, frame.t_us)
            match frame.message:
                case link.Engage(tag=tag):
                    sensed[EventKind.ENGAGE].append((at, tag))
                case link.Release(tag=tag, cause=link.ReleaseCode.SHOT):
                    sensed[EventKind.RELEASE].append((at, tag))
                case link.Landing(x_mm=x, y_mm=y, tag=tag, quality=100):
                    sensed[EventKind.LANDING].append((at, tag, x, y))
                case link.Tags(tags=()):
                    sensed[EventKind.PULLED].append((at,))
                case other:
                    pytest.fail(f"unexpected {other}")
    expected = world.events(lane, START, until)
    for kind, reported in sensed.items():
        happened = [e for e in expected if e.kind is kind]
        assert len(reported) == len(happened)
        for (reported_at, *values), event in zip(reported, happened, strict=True):
            assert reported_at == pytest.approx(event.at_us, abs=2)
            if kind is not EventKind.PULLED:
                assert isinstance(event.arrow_id, UUID)
                assert values[0] == event.arrow_id.hex
            if kind is EventKind.LANDING:
                assert values[1:] == [event.x_mm, event.y_mm]


def test_events_before_the_device_started_are_not_reported() -> None:
    world = World(7, START, 20.0)
    now = START + 9 * 3600 * S + 4 * S
    device = new_device(DeviceSpec("bow-1", "bow.link", 1), world, now)
    hub = run(device, now, now + 20 * S)
    hello = hub.frames[0]
    assert isinstance(hello.message, link.Hello)
    assert hello.t_us == 0  # it boots now and reports nothing of the past
    assert (hello.message.blind_us, hello.message.earlier) == (None, ())
    events = hub.events()
    assert events
    assert all(host_us(device, f.t_us) >= now for f in events)
    released = [f for f in events if isinstance(f.message, link.Release)]
    assert len(released) == len(world.releases(1, now, now + 20 * S))


def test_device_present_from_the_start_has_a_long_uptime() -> None:
    device = new_device(DeviceSpec("bow-1", "bow.link", 1), World(7, START), START + S)
    hub = Hub()
    assert hub.receive(device.poll(START + S))[0].t_us > S


def test_devices_started_within_ten_seconds_report_the_same() -> None:
    world = World(7, START, 20.0)
    until = START + 14 * S
    reported = []
    for late_us in (0, 1 * S, 9 * S):
        hub = run(new_device(DeviceSpec("bow-1", "bow.link", 1), world, START + late_us), START + late_us, until)
        reported.append([(f.boot_id, f.seq, f.t_us, f.message) for f in hub.events()])
    assert reported[0] == reported[1] == reported[2]
    assert len(reported[0]) == len(
        [e for e in world.events(1, START, until) if e.kind in (EventKind.ENGAGE, EventKind.RELEASE)]
    )


def test_device_started_again_later_has_another_boot_id() -> None:
    world, spec = World(7, START), DeviceSpec("bow-1", "bow.link", 1)
    boots = {new_device(spec, world, START + 3600 * S + n).node.boot_id for n in range(50)}
    assert len(boots) == 50
    assert 0 not in boots


def test_release_limit_ends_the_events_but_not_the_heartbeats() -> None:
    free = World(7, START, 20.0)
    limit = free.nth_release(3).released_us + 1
    world = World(7, START, 20.0, release_limit_us=limit)
    hub = run(new_device(DeviceSpec("bow-1", "bow.link", 1), world, START), START, START + 600 * S)
    assert sum(isinstance(f.message, link.Release) for f in hub.events()) == 3
    assert sum(isinstance(f.message, link.Heartbeat) for f in hub.frames) == 600


def test_reboot_loses_only_the_events_of_its_blind_time() -> None:
    world = World(7, START, 20.0)
    device = new_device(DeviceSpec("bow-1", "bow.link", 1), world, START)
    second = world.events(1, START, START + 20 * S)[1].at_us
    device.poll(second - 200_000)
    device.reboot(second - 100_000, blind_us=150_000)
    hub = run(device, second - 50_000, second + 5 * S)
    assert device.node.counters.blind == 1
    reported = sorted({(f.boot_id, f.seq) for f in hub.events()})
    assert (
        len(reported)
        == len([e for e in world.events(1, START, second + 5 * S) if e.kind in (EventKind.ENGAGE, EventKind.RELEASE)])
        - 1
    )


def test_reboot_is_allowed_only_without_events_in_its_blind_time() -> None:
    world = World(7, START, 20.0)
    device = new_device(DeviceSpec("target-1", "target.link", 1), world, START)
    landed = next(e.at_us for e in world.events(1, START + 10 * S, START + 60 * S) if e.kind is EventKind.LANDING)
    device.poll(landed - 200_000)
    assert device.may_reboot(landed - 200_000, 100_000)
    assert not device.may_reboot(landed - 200_000, 200_000)
    device.poll(landed)
    device.reboot(landed + 1, 100)
    assert device.may_reboot(landed + 200, 100)  # the hub never saw this boot; its events are dated nevertheless


@pytest.mark.parametrize(
    ("name", "driver", "kind"), [("target-1", "target.link", link.Landing), ("bow-1", "bow.link", link.Release)]
)
def test_chattering_device_reports_false_events_too(name: str, driver: str, kind: type[link.Event]) -> None:
    world = World(5, START, 20.0)
    calm, noisy = (new_device(DeviceSpec(name, driver, 1), world, START) for _ in range(2))
    noisy.chatter(Chatter(name, 50.0, 10.0, 5.0), START)
    events, with_noise = (run(device, START, START + 30 * S).events() for device in (calm, noisy))
    true = [frame.message for frame in events]
    false = [frame for frame in with_noise if frame.message not in true]
    assert len(with_noise) == len(true) + len(false)
    assert len(false) == 500
    assert all(type(frame.message) is kind for frame in false)
    assert [frame.seq for frame in with_noise] == list(range(1, len(with_noise) + 1))
    ticks = [frame.t_us for frame in with_noise]
    assert ticks == sorted(ticks)
    assert host_us(noisy, false[0].t_us) == pytest.approx(START + 5 * S, abs=2.0)
    assert host_us(noisy, false[-1].t_us) == pytest.approx(START + 15 * S - 20_000, abs=2.0)


def test_device_that_senses_no_shot_cannot_chatter() -> None:
    with pytest.raises(ValueError, match="arrow-1 senses nothing that can chatter"):
        Noise(Chatter("arrow-1", 1.0, 1.0, 0.0), 0, 1, Draws(1), lambda _event: None)
