"""Faults of a simulated line: each has its documented effect, and no unacknowledged event is lost."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.link import codec as link
from simulators.devices.chatter import Chatter
from simulators.devices.contract import DeviceFault, DeviceSpec
from simulators.devices.link_device import LinkDevice, split_stream
from simulators.wire.fault_plan import Fault, FaultPlan, parse_plan
from simulators.wire.faults import Direction, FaultyLine
from simulators.world.draws import Draws
from simulators.world.range import FIXED_START_US, World
from tests.simulators.devices.acknowledging_hub import Hub, ack, hub_frame
from tests.simulators.devices.test_lane_device import new_device

S = 1_000_000
FRAMES = [link.encode(link.Log(6, f"line {n}"), node=1, seq=n) for n in range(200)]
EVERYTHING = FaultPlan(drop=0.05, corrupt=0.05, duplicate=0.1, delay=0.05, split=0.2, merge=0.2, reboot=0.01)


def through(plan: FaultPlan, *, seed: int = 1, gap_us: int = 100_000) -> list[bytes]:
    """The writes that result from 200 frames."""
    direction = Direction(plan, Draws(seed, "test"))
    pieces: list[bytes] = []
    for n, frame in enumerate(FRAMES):
        for now in range(n * gap_us, (n + 1) * gap_us, 5_000):
            pieces += direction.take(now)
            if now == n * gap_us:
                direction.put(frame, now)
                pieces += direction.take(now)
    return pieces + direction.take(10**12)


def test_line_without_faults_passes_frames_at_once() -> None:
    assert through(FaultPlan()) == FRAMES


def test_dropped_frames_are_lost_and_the_others_whole() -> None:
    pieces = through(FaultPlan(drop=0.3))
    assert [p for p in FRAMES if p in set(pieces)] == pieces
    assert 100 < len(pieces) < 180


def test_corrupted_frames_are_changed_and_not_decoded() -> None:
    pieces = through(FaultPlan(corrupt=1.0))
    assert len(pieces) == len(FRAMES)
    assert all(
        len(a) == len(b) and 1 <= sum(x != y for x, y in zip(a, b, strict=True)) <= 3
        for a, b in zip(pieces, FRAMES, strict=True)
    )
    hub = Hub()
    hub.receive(pieces)
    assert hub.frames == []
    assert hub.decoder.counters.damaged > 150


def test_duplicates_arrive_twice() -> None:
    assert through(FaultPlan(duplicate=1.0)) == [frame for frame in FRAMES for _ in range(2)]


def test_delayed_frames_arrive_and_others_overtake_them() -> None:
    pieces = through(FaultPlan(delay=0.5), gap_us=20_000)
    assert sorted(pieces) == sorted(FRAMES)
    assert pieces != FRAMES


def test_split_frames_arrive_whole_in_two_writes() -> None:
    pieces = through(FaultPlan(split=1.0))
    assert len(pieces) == 2 * len(FRAMES)
    assert b"".join(pieces) == b"".join(FRAMES)


def test_merged_frames_share_a_write() -> None:
    pieces = through(FaultPlan(merge=0.5), gap_us=5_000)
    assert len(pieces) < len(FRAMES)
    assert b"".join(pieces) == b"".join(FRAMES)


def test_merged_frame_without_a_successor_arrives_late() -> None:
    direction = Direction(FaultPlan(merge=1.0), Draws(1))
    direction.put(FRAMES[0], 0)
    assert direction.next_due_us() == 30_000
    assert direction.take(29_999) == []
    assert direction.take(30_000) == [FRAMES[0]]


def test_silence_loses_runs_of_frames() -> None:
    pieces = through(FaultPlan(silence=0.05))
    assert 20 < len(pieces) < 180
    assert set(pieces) <= set(FRAMES)


def test_stuck_line_repeats_one_byte_and_recovers() -> None:
    pieces = through(FaultPlan(stuck=0.05))
    noise = [p for p in pieces if p not in FRAMES]
    assert noise
    assert all(len(set(p)) == 1 and len(p) >= 16 for p in noise)
    hub = Hub()
    hub.receive(pieces)
    assert len(hub.frames) > 50


def test_direction_holds_at_most_its_bound() -> None:
    direction = Direction(FaultPlan(delay=1.0), Draws(1))
    for _ in range(5_000):
        direction.put(FRAMES[0], 0)
    assert len(direction.take(S)) <= 1_000
    assert direction.counted["overflow"] >= 4_000


@given(st.integers(0, 1000), st.binary(min_size=1, max_size=3000), st.lists(st.integers(1, 200), max_size=40))
def test_hub_bytes_are_framed_at_any_split(seed: int, data: bytes, cuts: list[int]) -> None:
    line = FaultyLine(FaultPlan(reboot=1.0), seed, "bow-1", split_stream)  # a plan that changes no byte
    rest, out = data + b"\0", b""
    for cut in [*cuts, len(rest)]:
        piece, rest = rest[:cut], rest[cut:]
        line.from_hub(piece, 0)
        out += b"".join(line.to_device.take(0))
    assert out == data + b"\0"


def test_line_without_faults_passes_partial_frames_at_once() -> None:
    line = FaultyLine(FaultPlan(), 1, "bow-1", split_stream)
    line.from_hub(b"\x05ab", 7)
    assert line.to_device.take(7) == [b"\x05ab"]


def test_faults_act_on_the_frames_of_the_given_framing() -> None:
    def lines(data: bytes) -> tuple[list[bytes], bytes]:
        *whole, rest = data.splitlines(keepends=True) if not data.endswith(b"\n") else (*data.splitlines(True), b"")
        return whole, rest

    line = FaultyLine(FaultPlan(duplicate=1.0), 1, "bow-1", lines)
    line.from_hub(b"one\0\ntw", 0)
    assert line.to_device.take(0) == [b"one\0\n"] * 2
    line.from_hub(b"o\n", 1)
    assert line.to_device.take(1) == [b"two\n"] * 2


def test_unplugged_cable_loses_everything_and_returns() -> None:
    line = FaultyLine(FaultPlan(unplug=1.0, merge=1.0), 1, "bow-1", split_stream)
    line.from_device([FRAMES[0]], 0)
    assert not line.is_plugged(0)
    back = line.next_due_us(0)
    assert 200_000 <= back <= 1_500_000
    line.from_device([FRAMES[1]], back - 1)
    assert line.to_hub.take(back + S) == []
    assert line.is_plugged(back)
    assert line.counted() == {"to_hub": {"merge": 1}, "to_node": {}, "node": {"buried": 1, "unplug": 1}}


def test_equal_seeds_give_equal_faults() -> None:
    plan = replace(EVERYTHING, silence=0.01, stuck=0.01)
    assert through(plan, seed=5) == through(plan, seed=5)
    assert through(plan, seed=5) != through(plan, seed=6)


def simulate(device: LinkDevice, line: FaultyLine, since_us: int, until_us: int) -> Hub:
    """Do the work of :class:`Station` without waiting, with a hub that acknowledges and requests the time."""
    hub, now = Hub(), since_us
    while now < until_us:
        blind_us = line.requested_blind_us
        if blind_us is not None and device.may_reboot(now, blind_us):
            device.reboot(now, blind_us)
            line.requested_blind_us = None
        line.from_device(device.poll(now), now)
        for data in line.to_device.take(now):
            line.from_device(device.receive(data, now), now)
        for piece in line.to_hub.take(now):
            for frame in hub.receive(piece):
                if isinstance(frame.message, link.Event):
                    line.from_hub(ack(frame), now)
                elif isinstance(frame.message, link.Heartbeat):
                    line.from_hub(hub_frame(link.TimeRequest(now)), now)
        now = max(now + 1, min(device.next_due_us(), line.next_due_us(now)))
    return hub


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_every_event_arrives_with_its_number_over_any_line(seed: int) -> None:
    plan = replace(EVERYTHING, silence=0.01, stuck=0.01, unplug=0.01)
    world = World(seed, FIXED_START_US, 20.0)
    until = world.start_us + 30 * S
    world = World(seed, FIXED_START_US, 20.0, release_limit_us=until)
    for spec in (DeviceSpec("bow-1", "bow.link", 1), DeviceSpec("target-1", "target.link", 1)):
        device = new_device(spec, world, world.start_us)
        hub = simulate(device, FaultyLine(plan, seed, spec.name, split_stream), world.start_us, until + 30 * S)
        named = {(f.boot_id, f.seq): (f.t_us, f.message) for f in hub.events()}
        assert all(named[f.boot_id, f.seq] == (f.t_us, f.message) for f in hub.events())
        expected = [m for e in world.events(1, world.start_us, until + 30 * S) if (m := device._sense(e)) is not None]
        assert sorted(map(repr, (m for _, m in named.values()))) == sorted(map(repr, expected))
        assert device.node.counters.blind == 0
        assert device.node.pending == 0


def test_fault_plans_are_parsed() -> None:
    assert [field.name for field in fields(FaultPlan)] == [*Fault, *DeviceFault, "chatter"]
    assert parse_plan("drop=0.05, corrupt=1,reboot=0") == FaultPlan(drop=0.05, corrupt=1.0)
    assert parse_plan("").is_empty
    assert not parse_plan("stuck=0.001").is_empty
    every = ",".join(f"{fault}=0.5" for fault in (*Fault, *DeviceFault))
    assert all(parse_plan(every).chance(fault) == 0.5 for fault in (*Fault, *DeviceFault))
    assert parse_plan("drop=0.1,late=0.2,leave=0").of_device == {DeviceFault.LATE: 0.2}
    noisy = parse_plan("drop=0.1, chatter=target-1:5000:40:2.5")
    assert noisy == FaultPlan(drop=0.1, chatter=Chatter("target-1", 5000.0, 40.0, 2.5))
    assert parse_plan("chatter=target-1:5000:40:0").is_empty, "the line itself has no fault"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dorp=0.1", r"unknown fault 'dorp'. Did you mean drop\?"),
        ("rain=0.1", "Choose from drop, corrupt, duplicate, delay, split, merge, silence, stuck, unplug, reboot"),
        ("drop", "fault drop has no valid chance: ''. Write a number from 0 to 1, like drop=0.05."),
        ("drop=5", "chance: '5'"),
        ("drop=-0.1", "chance: '-0.1'"),
        ("drop=nan", "chance: 'nan'"),
        ("drop=0.1,drop=0.2", "drop is given twice"),
        ("chatter=target-1", "no valid value: 'target-1'. Write chatter=DEVICE:RATE:SECONDS:AFTER, like"),
        ("chatter=target-1:many:40:0", "no valid value"),
        ("chatter=target-1:5001:40:0", "out of range.*at most 5000 events a second"),
        ("chatter=target-1:nan:40:0", "out of range"),
        ("chatter=:1:40:0", "out of range"),
        ("chatter=bow-1:1:1:1,chatter=bow-1:1:1:1", "chatter is given twice"),
    ],
)
def test_invalid_plans_are_rejected_with_the_correct_form(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_plan(text)
