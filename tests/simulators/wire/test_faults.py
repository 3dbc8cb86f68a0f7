"""Faults of a simulated line: each does what it says, none of them loses what the node owes."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.link import codec as link
from simulators.devices.lane_device import DeviceSpec, LaneDevice
from simulators.wire.fault_plan import FaultPlan, parse_plan
from simulators.wire.faults import Direction, FaultyLine
from simulators.world.draws import Draws
from simulators.world.range import FIXED_START_US, World
from tests.simulators.devices.acknowledging_hub import Hub, ack, ask

S = 1_000_000
FRAMES = [link.encode(link.Log(6, f"line {n}"), node=1, seq=n) for n in range(200)]
EVERYTHING = FaultPlan(drop=0.05, corrupt=0.05, duplicate=0.1, delay=0.05, split=0.2, merge=0.2, reboot=0.01)


def through(plan: FaultPlan, *, seed: int = 1, gap_us: int = 100_000) -> list[bytes]:
    """The writes that 200 frames become."""
    direction = Direction(plan, Draws(seed, "test"))
    pieces: list[bytes] = []
    for n, frame in enumerate(FRAMES):
        for now in range(n * gap_us, (n + 1) * gap_us, 5_000):
            pieces += direction.take(now)
            if now == n * gap_us:
                direction.put(frame, now)
                pieces += direction.take(now)
    return pieces + direction.take(10**12)


def test_a_line_without_faults_changes_nothing_and_holds_nothing() -> None:
    assert through(FaultPlan()) == FRAMES


def test_dropped_frames_are_gone_and_the_others_whole() -> None:
    pieces = through(FaultPlan(drop=0.3))
    assert [p for p in FRAMES if p in set(pieces)] == pieces
    assert 100 < len(pieces) < 180


def test_every_corrupted_frame_is_another_and_none_is_read() -> None:
    pieces = through(FaultPlan(corrupt=1.0))
    assert len(pieces) == len(FRAMES)
    assert all(
        len(a) == len(b) and 1 <= sum(x != y for x, y in zip(a, b, strict=True)) <= 3
        for a, b in zip(pieces, FRAMES, strict=True)
    )
    hub = Hub()
    hub.hear(pieces)
    assert hub.frames == []
    assert hub.decoder.counters.damaged > 150


def test_duplicates_come_twice() -> None:
    assert through(FaultPlan(duplicate=1.0)) == [frame for frame in FRAMES for _ in range(2)]


def test_delayed_frames_all_come_and_others_pass_them() -> None:
    pieces = through(FaultPlan(delay=0.5), gap_us=20_000)
    assert sorted(pieces) == sorted(FRAMES)
    assert pieces != FRAMES


def test_split_frames_come_in_two_writes_and_are_read_whole() -> None:
    pieces = through(FaultPlan(split=1.0))
    assert len(pieces) == 2 * len(FRAMES)
    assert b"".join(pieces) == b"".join(FRAMES)


def test_merged_frames_share_a_write() -> None:
    pieces = through(FaultPlan(merge=0.5), gap_us=5_000)
    assert len(pieces) < len(FRAMES)
    assert b"".join(pieces) == b"".join(FRAMES)


def test_a_merged_frame_without_a_successor_comes_all_the_same() -> None:
    direction = Direction(FaultPlan(merge=1.0), Draws(1))
    direction.put(FRAMES[0], 0)
    assert direction.next_due_us() == 30_000
    assert direction.take(29_999) == []
    assert direction.take(30_000) == [FRAMES[0]]


def test_silence_takes_runs_of_frames() -> None:
    pieces = through(FaultPlan(silence=0.05))
    assert 20 < len(pieces) < 180
    assert set(pieces) <= set(FRAMES)


def test_a_stuck_line_repeats_one_byte_and_recovers() -> None:
    pieces = through(FaultPlan(stuck=0.05))
    noise = [p for p in pieces if p not in FRAMES]
    assert noise
    assert all(len(set(p)) == 1 and len(p) >= 16 for p in noise)
    hub = Hub()
    hub.hear(pieces)
    assert len(hub.frames) > 50


def test_a_direction_holds_no_more_than_its_bound() -> None:
    direction = Direction(FaultPlan(delay=1.0), Draws(1))
    for _ in range(5_000):
        direction.put(FRAMES[0], 0)
    assert len(direction.take(S)) <= 1_000
    assert direction.counted["overflow"] >= 4_000


@given(st.integers(0, 1000), st.binary(min_size=1, max_size=3000), st.lists(st.integers(1, 200), max_size=40))
def test_what_the_hub_says_is_cut_into_frames_wherever_it_is_split(seed: int, data: bytes, cuts: list[int]) -> None:
    line = FaultyLine(FaultPlan(reboot=1.0), seed, "bow-1")  # a plan that touches no byte
    rest, out = data + b"\0", b""
    for cut in [*cuts, len(rest)]:
        piece, rest = rest[:cut], rest[cut:]
        line.hub_says(piece, 0)
        out += b"".join(line.to_node.take(0))
    assert out == data + b"\0"


def test_without_faults_a_node_gets_the_first_bytes_of_a_frame_at_once() -> None:
    line = FaultyLine(FaultPlan(), 1, "bow-1")
    line.hub_says(b"\x05ab", 7)
    assert line.to_node.take(7) == [b"\x05ab"]


def test_an_unplugged_cable_loses_all_and_comes_back() -> None:
    line = FaultyLine(FaultPlan(unplug=1.0, merge=1.0), 1, "bow-1")
    line.node_says([FRAMES[0]], 0)
    assert not line.is_plugged(0)
    back = line.next_due_us(0)
    assert 200_000 <= back <= 1_500_000
    line.node_says([FRAMES[1]], back - 1)
    assert line.to_hub.take(back + S) == []
    assert line.is_plugged(back)
    assert line.counted() == {"to_hub": {"merge": 1}, "to_node": {}, "node": {"buried": 1, "unplug": 1}}


def test_the_same_seed_makes_the_same_faults() -> None:
    plan = replace(EVERYTHING, silence=0.01, stuck=0.01)
    assert through(plan, seed=5) == through(plan, seed=5)
    assert through(plan, seed=5) != through(plan, seed=6)


def simulate(device: LaneDevice, line: FaultyLine, since_us: int, until_us: int) -> Hub:
    """What :class:`Station` does, in no time: device and line against a hub that acknowledges and asks for the clock."""
    hub, now = Hub(), since_us
    while now < until_us:
        blind_us = line.wanted_blind_us
        if blind_us is not None and device.may_reboot(now, blind_us):
            device.reboot(now, blind_us)
            line.wanted_blind_us = None
        line.node_says(device.poll(now), now)
        for data in line.to_node.take(now):
            line.node_says(device.receive(data, now), now)
        for piece in line.to_hub.take(now):
            for frame in hub.hear(piece):
                if isinstance(frame.message, link.Event):
                    line.hub_says(ack(frame), now)
                elif isinstance(frame.message, link.Heartbeat):
                    line.hub_says(ask(link.TimeRequest(now)), now)
        now = max(now + 1, min(device.next_due_us(), line.next_due_us(now)))
    return hub


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_every_event_arrives_under_its_one_name_whatever_the_line_does(seed: int) -> None:
    plan = replace(EVERYTHING, silence=0.01, stuck=0.01, unplug=0.01)
    world = World(seed, FIXED_START_US, 20.0)
    until = world.start_us + 30 * S
    world = World(seed, FIXED_START_US, 20.0, release_limit_us=until)
    for spec in (DeviceSpec("bow-1", "bow.link", 1), DeviceSpec("target-1", "target.link", 1)):
        device = LaneDevice(spec, world, world.start_us)
        hub = simulate(device, FaultyLine(plan, seed, spec.name), world.start_us, until + 30 * S)
        named = {(f.boot_id, f.seq): (f.t_us, f.message) for f in hub.events()}
        assert all(named[f.boot_id, f.seq] == (f.t_us, f.message) for f in hub.events())
        expected = [m for e in world.events(1, world.start_us, until + 30 * S) if (m := device._sense(e)) is not None]
        assert sorted(map(repr, (m for _, m in named.values()))) == sorted(map(repr, expected))
        assert device.node.counters.blind == 0
        assert device.node.pending == 0


def test_a_plan_is_read() -> None:
    assert parse_plan("drop=0.05, corrupt=1,reboot=0") == FaultPlan(drop=0.05, corrupt=1.0)
    assert parse_plan("").is_empty
    assert not parse_plan("stuck=0.001").is_empty
    every = ",".join(f"{field.name}=0.5" for field in fields(FaultPlan))
    assert parse_plan(every) == FaultPlan(*[0.5] * len(fields(FaultPlan)))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dorp=0.1", r"no fault is called 'dorp'; the nearest is drop"),
        ("rain=0.1", "there are drop, corrupt, duplicate, delay, split, merge, silence, stuck, unplug, reboot"),
        ("drop", "drop needs a chance from 0 to 1, like drop=0.05, not ''"),
        ("drop=5", "not '5'"),
        ("drop=-0.1", "not '-0.1'"),
        ("drop=nan", "not 'nan'"),
        ("drop=0.1,drop=0.2", "drop is given twice"),
    ],
)
def test_a_bad_plan_says_what_to_write(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_plan(text)
