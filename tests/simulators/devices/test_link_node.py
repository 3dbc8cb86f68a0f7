"""The simulated link node: event numbers, watermarks, repeats, reboots."""

from __future__ import annotations

import zlib
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.link import codec as link
from drivers.link.codec import cobs
from simulators.devices.clock import AS_DRAWN, NodeClock, draw_clock
from simulators.devices.hurting_texts import HURTING_TEXTS
from simulators.devices.link_node import (
    HEARTBEAT_US,
    MAX_IN_FLIGHT,
    MAX_PENDING,
    RESEND_US,
    NodeSpec,
    SimulatedLinkNode,
)
from tests.simulators.devices.acknowledging_hub import Hub, ack, hub_frame

T0 = 1_767_225_600_000_000
SPEC = NodeSpec(number=11, kind=link.NodeKind.BOW, firmware="test", battery_percent=80, rssi_dbm=-50)
ARROW = "ab" * 16
ENGAGE = link.Engage(-40, ARROW)


def new_node(clock: NodeClock | None = None) -> SimulatedLinkNode:
    return SimulatedLinkNode(SPEC, clock or NodeClock(T0, 0), iter(count(1000)), T0)


def test_booting_node_sends_hello_log_and_heartbeat() -> None:
    hub = Hub()
    hub.receive(new_node().poll(T0))
    assert [type(f.message) for f in hub.frames] == [link.Hello, link.Log, link.Heartbeat]
    assert {(f.node, f.boot_id) for f in hub.frames} == {(11, 1000)}
    hello = hub.frames[0].message
    assert isinstance(hello, link.Hello)
    assert hello.capabilities & link.NodeCapability.SIMULATOR
    assert hello.earlier == ()


def test_texts_that_hurt_reach_the_hub_and_stay_the_nodes_name() -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    for number, text in enumerate(HURTING_TEXTS):
        hello, *logs = hub.receive(node.hurting_texts(number, T0 + number))
        assert isinstance(hello.message, link.Hello)
        assert hello.message.firmware == text.encode(errors="surrogateescape").rstrip(b"\0").decode(
            errors="backslashreplace"
        )
        assert [type(line.message) for line in logs] == [link.Log, link.Log]
    node.reboot(T0 + 1_000, 100)
    assert node.hurting_texts(0, T0 + 1_050) == []  # it boots
    reborn = hub.receive(node.poll(T0 + 2_000))[0].message
    assert isinstance(reborn, link.Hello)
    assert reborn.firmware == HURTING_TEXTS[-1]


def test_heartbeats_come_each_second_and_once_after_a_stall() -> None:
    node, hub = new_node(), Hub()
    for at in (0, 999_999, 1_000_000, 1_500_000, 7_300_000, 7_999_999, 8_000_000):
        hub.receive(node.poll(T0 + at))
    beats = [f.t_us for f in hub.frames if isinstance(f.message, link.Heartbeat)]
    assert beats == [0, 1_000_000, 7_300_000, 8_000_000]
    assert node.next_due_us() == T0 + 9_000_000


def test_events_carry_the_instant_at_which_they_happened() -> None:
    node, hub = new_node(NodeClock(T0 - 5_000_000, 40_000)), Hub()
    node.poll(T0)
    node.sense(ENGAGE, T0 + 1_234_567)
    (event,) = [f for f in hub.receive(node.poll(T0 + 1_300_000)) if isinstance(f.message, link.Event)]
    assert event.message == ENGAGE
    assert (event.seq, event.t_us) == (1, 6_234_567 + 249)  # 40 ppm of 6.2 s


def test_no_later_event_shares_the_tick_of_a_heartbeat() -> None:
    node, hub = new_node(NodeClock(T0, -900_000_000)), Hub()  # a clock so slow that instants share ticks
    node.poll(T0)
    node.sense(ENGAGE, T0 + 1_000_000)
    hub.receive(node.poll(T0 + 1_000_000))
    beat = hub.frames[-1]
    assert isinstance(beat.message, link.Heartbeat)
    assert beat.message.last_seq == 1
    node.sense(ENGAGE, T0 + 1_000_001)
    (late,) = hub.receive(node.poll(T0 + 1_000_001))
    assert late.t_us > beat.t_us


def test_events_are_resent_each_half_second_until_acknowledged() -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    node.sense(ENGAGE, T0 + 10)
    for at in range(10, 1_600_000, 1000):
        hub.receive(node.poll(T0 + at))
    repeats = hub.events()
    assert len(repeats) == 4
    assert len({(f.boot_id, f.seq, f.t_us) for f in repeats}) == 1
    assert node.receive(ack(repeats[0]), T0 + 1_600_000) == []
    assert node.pending == 0
    assert not any(isinstance(f.message, link.Event) for f in hub.receive(node.poll(T0 + 3_000_000)))
    assert (node.counters.sent, node.counters.resent, node.counters.acknowledged) == (1, 3, 1)


def test_at_most_32_events_are_in_flight_oldest_first() -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    for n in range(100):
        node.sense(ENGAGE, T0 + n)
    sent = [f for f in hub.receive(node.poll(T0 + 200)) if isinstance(f.message, link.Event)]
    assert [f.seq for f in sent] == list(range(1, MAX_IN_FLIGHT + 1))
    assert node.poll(T0 + 300) == []
    assert [f.seq for f in hub.receive(node.receive(ack(sent[4]) + ack(sent[0]), T0 + 400))] == [33, 34]
    again = [f.seq for f in hub.receive(node.poll(T0 + 200 + RESEND_US)) if isinstance(f.message, link.Event)]
    assert again == [n for n in range(2, 33) if n != 5]


def test_foreign_acknowledgements_are_ignored() -> None:
    node = new_node()
    node.sense(ENGAGE, T0 + 1)
    for wrong in (
        hub_frame(link.Ack(), seq=1, boot_id=999),
        hub_frame(link.Ack(), seq=2, boot_id=1000),
        hub_frame(link.Ack(), seq=1, boot_id=1000, node=12),
        hub_frame(link.Nak(2), seq=1, boot_id=1000),
    ):
        assert node.receive(wrong, T0 + 2) == []
    assert node.pending == 1
    assert (node.counters.not_mine, node.counters.refused) == (1, 1)


def test_overflow_loses_the_newest_events_and_leaves_a_gap() -> None:
    node, hub = new_node(), Hub()
    for n in range(MAX_PENDING + 3):
        node.sense(ENGAGE, T0 + n)
    hub.receive(node.poll(T0 + 20_000))
    beat = hub.frames[-1].message
    assert isinstance(beat, link.Heartbeat)
    assert (beat.last_seq, beat.pending) == (MAX_PENDING + 3, MAX_PENDING)
    assert node.counters.overflow == 3


def test_reboot_keeps_unacknowledged_events_and_their_numbers() -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    node.sense(ENGAGE, T0 + 1_000)
    node.sense(ENGAGE, T0 + 2_000)
    before = [f for f in hub.receive(node.poll(T0 + 2_000)) if isinstance(f.message, link.Event)]
    node.receive(ack(before[0]), T0 + 3_000)
    node.reboot(T0 + 10_000, blind_us=300_000)

    assert node.poll(T0 + 10_001) == []
    assert node.receive(hub_frame(link.HelloRequest()), T0 + 309_999) == []
    node.sense(ENGAGE, T0 + 200_000)  # while the node reboots
    assert node.counters.blind == 1
    assert node.next_due_us() == T0 + 310_000

    hello, log, old, beat = hub.receive(node.poll(T0 + 310_000))
    assert isinstance(hello.message, link.Hello)
    assert (hello.boot_id, hello.seq, hello.t_us) == (1001, 0, 0)
    [earlier] = hello.message.earlier
    assert (earlier.boot_id, earlier.last_seq, earlier.kept, earlier.blind_us) == (1000, 2, 1, None)
    assert earlier.before_us == pytest.approx(310_000, abs=31)
    assert hello.message.blind_us == pytest.approx(300_000, abs=31)
    assert isinstance(log.message, link.Log)
    assert old == before[1]
    assert isinstance(beat.message, link.Heartbeat)
    assert (beat.boot_id, beat.message.last_seq, beat.message.pending) == (1001, 0, 1)

    node.sense(ENGAGE, T0 + 400_000)
    (new,) = hub.receive(node.poll(T0 + 400_000))
    assert (new.boot_id, new.seq, new.t_us) == (1001, 1, 90_000)
    node.receive(ack(old) + ack(new), T0 + 500_000)
    assert node.pending == 0


def test_time_answer_dates_the_first_byte_of_the_request() -> None:
    node, hub = new_node(NodeClock(T0 - 1_000, 0)), Hub()
    node.poll(T0)
    request = hub_frame(link.TimeRequest(2**63), seq=5)
    assert node.receive(request[:7], T0 + 100) == []
    (answer,) = hub.receive(node.receive(request[7:], T0 + 900))
    assert answer.message == link.TimeResponse(2**63, t1=1_100)
    assert (answer.seq, answer.t_us) == (5, 1_900)
    both = hub.receive(node.receive(request + request[:3], T0 + 2_000))
    both += hub.receive(node.receive(request[3:], T0 + 3_000))
    assert [f.message for f in both] == [link.TimeResponse(2**63, 3_000), link.TimeResponse(2**63, 3_000)]


def test_configuration_is_read_set_and_survives_a_reboot() -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    (first,) = hub.receive(node.receive(hub_frame(link.ConfigRead(), seq=1), T0 + 1))
    (second,) = hub.receive(node.receive(hub_frame(link.Config(250, 80), seq=2), T0 + 2))
    node.reboot(T0 + 3, blind_us=10)
    node.poll(T0 + 20)
    (third,) = hub.receive(node.receive(hub_frame(link.ConfigRead(), seq=3), T0 + 30))
    assert isinstance(first.message, link.Config)
    assert (second.message, second.seq) == (link.Config(250, 80), 2)
    assert (third.message, third.seq) == (link.Config(250, 80), 3)


def test_hello_is_sent_again_on_request() -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    node.sense(ENGAGE, T0 + 1)
    (hello,) = hub.receive(node.receive(hub_frame(link.HelloRequest()), T0 + 2))
    assert isinstance(hello.message, link.Hello)
    assert hello.seq == 1


def test_unreadable_frames_are_refused_with_their_number() -> None:
    body = bytes((1, 0x7E)) + (11).to_bytes(2, "big") + (77).to_bytes(4, "big") + (9).to_bytes(4, "big") + bytes(8)
    frame = cobs.encode(body + zlib.crc32(body).to_bytes(4, "big")) + b"\0"
    hub = Hub()
    (nak,) = hub.receive(new_node().receive(frame, T0 + 1))
    assert (nak.message, nak.boot_id, nak.seq) == (link.Nak(link.NakCode.UNKNOWN_TYPE), 77, 9)


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_noise_from_the_hub_is_ignored(noise: list[bytes]) -> None:
    node, hub = new_node(), Hub()
    node.poll(T0)
    node.sense(ENGAGE, T0 + 1)
    for n, piece in enumerate(noise):
        node.receive(piece, T0 + 10 + n)
    hub.receive(node.receive(b"\0" + hub_frame(link.HelloRequest()), T0 + 1_000))
    assert isinstance(hub.frames[-1].message, link.Hello)
    assert node.pending == 1


@given(st.integers(-100_000, 100_000), st.integers(0, 10**12), st.integers(0, 10**12))
def test_clock_is_monotonic_and_off_by_its_drift(drift_ppb: int, a: int, b: int) -> None:
    clock = NodeClock(T0, drift_ppb)
    first, second = sorted((a, b))
    assert clock.ticks(T0 + first) <= clock.ticks(T0 + second)
    assert clock.ticks(T0 + a) - a == pytest.approx(a * drift_ppb / 1e9, abs=1)
    assert clock.ticks(T0 - 1) == 0


def test_each_device_has_its_own_clock() -> None:
    names = [f"{kind}-{lane}" for kind in ("bow", "target") for lane in range(1, 50)]
    clocks = [draw_clock(1, name, T0, AS_DRAWN, saw_everything=True) for name in names]
    assert len({c.zero_us for c in clocks}) == len({c.drift_ppb for c in clocks}) == len(names)
    assert all(abs(c.drift_ppb) <= 40_000 for c in clocks)
    assert max(abs(c.drift_ppb) for c in clocks) > 30_000
    assert all(T0 - 10 * 86_400 * 1_000_000 <= c.zero_us < T0 for c in clocks)
    assert draw_clock(1, "bow-1", T0, AS_DRAWN, saw_everything=False).zero_us == T0


class NodeAndHub(RuleBasedStateMachine):
    """With any losses in transit: every event is kept until it is acknowledged, and heartbeats report all earlier events."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.node = new_node()
        self.hub = Hub()
        self.sensed: dict[tuple[int, int], int] = {}
        self.acked: set[tuple[int, int]] = set()
        self.deliver(self.node.poll(self.now), lost=False)

    def deliver(self, frames: list[bytes], *, lost: bool) -> None:
        if lost:
            return
        for frame in self.hub.receive(frames):
            if isinstance(frame.message, link.Heartbeat) and frame.boot_id == self.node.boot_id:
                reported = [tick for (boot, _), tick in self.sensed.items() if boot == frame.boot_id]
                assert frame.message.last_seq == len(reported)
                assert all(tick <= frame.t_us for tick in reported)

    @rule(us=st.integers(1, 700_000), lost=st.booleans())
    def time_passes(self, us: int, lost: bool) -> None:
        self.now += us
        self.deliver(self.node.poll(self.now), lost=lost)

    @rule(us=st.integers(1, 50_000))
    def sense_event(self, us: int) -> None:
        self.now += us
        up = self.node.is_up(self.now)
        self.node.sense(ENGAGE, self.now)
        if up:
            zero = self.node._clock.zero_us
            self.sensed[self.node.boot_id, self.node.last_seq] = self.now - zero

    @rule(which=st.integers(0, 1000))
    def acknowledge(self, which: int) -> None:
        received = self.hub.events()
        if received:
            frame = received[which % len(received)]
            if self.node.is_up(self.now):
                self.acked.add((frame.boot_id, frame.seq))
            self.deliver(self.node.receive(ack(frame), self.now), lost=False)

    @rule(blind_us=st.integers(1, 500_000))
    def reboot(self, blind_us: int) -> None:
        if self.node.is_up(self.now):
            self.node.reboot(self.now, blind_us)

    @invariant()
    def every_event_is_kept_until_acknowledged(self) -> None:
        assert self.node.pending == len(self.sensed.keys() - self.acked)

    @invariant()
    def events_keep_their_number_and_stamp(self) -> None:
        for frame in self.hub.events():
            assert frame.t_us - self.sensed[frame.boot_id, frame.seq] in (0, 1)

    def teardown(self) -> None:
        """A patient hub receives everything in the end."""
        for _ in range(200):
            self.now += HEARTBEAT_US
            for frame in self.hub.receive(self.node.poll(self.now)):
                if isinstance(frame.message, link.Event):
                    self.hub.receive(self.node.receive(ack(frame), self.now))
            if self.node.pending == 0:
                break
        assert self.node.pending == 0
        got = {(frame.boot_id, frame.seq) for frame in self.hub.events()}
        assert got == self.sensed.keys()


TestNodeAndHub = NodeAndHub.TestCase
TestNodeAndHub.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
