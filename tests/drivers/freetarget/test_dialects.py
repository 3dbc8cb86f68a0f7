"""The driver's session on the simulated target, in every dialect: positions exact, times within the stated latency."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drivers.contract import Pulse, Reading, StreamStart
from drivers.freetarget.codec import Dialect
from drivers.freetarget.session import ASK_SETTINGS
from simulators.devices.freetarget import Impact
from simulators.wire.fault_plan import FaultPlan
from simulators.world.range import Event, EventKind, World
from tests.drivers.freetarget.wired import EveryCut, Split, Wired, bytewise, new_target

S = 1_000_000
START = 1_800_000_000 * S
DEAD_US = 500_000
ENDS = [4, pytest.param(200, marks=pytest.mark.long)]
"""Ends of six arrows."""


def sensed(world: World, until_us: int) -> tuple[list[Event], int]:
    """The landings that the target senses, and the number of those in its dead time."""
    found: list[Event] = []
    lost = 0
    for event in world.events(1, world.start_us, until_us):
        if event.kind is EventKind.LANDING:
            if found and event.at_us - found[-1].at_us < DEAD_US:
                lost += 1
            else:
                found.append(event)
    return found, lost


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("split", [bytewise, EveryCut()], ids=["bytewise", "every-cut"])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_positions_are_exact_and_times_within_the_latency(dialect: Dialect, split: Split, ends: int) -> None:
    world = World(11, START, 20.0)
    until_us = START + 2 * S + ends * 12 * S
    wired = Wired(new_target(dialect, world), world, split)
    reports = wired.run(until_us)
    landings, lost = sensed(world, until_us - S)
    face = world.lane(1).face

    readings = [report for report in reports if isinstance(report, Reading)]
    assert len(readings) >= len(landings) > 3 * ends
    for reading, landing in zip(readings, landings, strict=False):
        assert landing.x_mm is not None
        assert landing.y_mm is not None
        assert (reading.x_mm, reading.y_mm) == (round(landing.x_mm - face.x_mm, 2), round(landing.y_mm - face.y_mm, 2))
        assert reading.stamp.mono_ns is not None
        assert reading.stamp.uncertainty_s == 0.1
        assert 0 <= reading.stamp.mono_ns - landing.at_us * 1000 <= 100_000_000
    assert [reading.seq for reading in readings] == list(range(1, len(readings) + 1))
    assert wired.device.node.lost_in_dead_time >= lost
    assert [report for report in reports if isinstance(report, StreamStart)] == reports[:1], "no gap"
    for pulse in (report for report in reports if isinstance(report, Pulse)):
        assert pulse.stamp.mono_ns is not None
        before = sum(landing.at_us * 1000 < pulse.stamp.mono_ns for landing in landings)
        assert before <= pulse.last_seq


@pytest.mark.parametrize("dialect", list(Dialect))
def test_faults_of_the_dialects_are_met(dialect: Dialect) -> None:
    world = World(11, START, 20.0)
    wired = Wired(new_target(dialect, world), world)
    wired.run(START + 200 * S)

    counters = {**wired.session.counters}
    assert counters["refusals"] >= 3, "misread commands"
    assert counters["notices"] >= 1, "notices"
    assert counters["echoes"] >= 80
    assert counters.get("misses", 0) >= (0 if dialect is Dialect.V6 else 5)
    assert wired.decoder.counters.lines > 10
    assert wired.device.node.lost_in_dead_time > 0
    assert wired.decoder.counters.damaged == 0


def test_a_restarted_target_begins_a_stream_at_its_greeting() -> None:
    world = World(11, START, 20.0)
    for dialect in Dialect:
        wired = Wired(new_target(dialect, world), world)
        wired.run(START + 30 * S)
        before = len(wired.reports)
        now_us = START + 30 * S
        while not wired.device.may_reboot(now_us, 300_000):
            now_us += 100_000
            wired.run(now_us)
        wired.device.reboot(now_us, 300_000)
        later = wired.run(now_us + 5 * S)[before:]

        starts = [report for report in later if isinstance(report, StreamStart)]
        assert [start.blind_since for start in starts[:1]] == [None]
        readings = [
            report for report in later if isinstance(report, Reading) and report.stream_id == starts[-1].stream_id
        ]
        assert [reading.seq for reading in readings] == list(range(1, len(readings) + 1))


def test_a_sleeping_target_is_woken_by_the_next_question() -> None:
    world = World(11, START)
    wired = Wired(new_target(Dialect.V6, world), world)
    wired.run(START + 7 * S)
    frames = wired.device.receive(b'{"BYE":0}', START + 7 * S)
    wired._deliver(frames)
    reports = wired.run(START + 12 * S)

    kinds = [type(report) for report in reports]
    assert kinds[0] is StreamStart
    assert kinds.count(StreamStart) == 2
    assert Pulse in kinds[kinds.index(StreamStart, 1) :]


def test_firmware_6_opens_while_arrows_land() -> None:
    world = World(11, START, release_limit_us=START)
    device = new_target(Dialect.V6, world)
    wired = Wired(device, world)
    device.node.settings["TARGET_TYPE"] = 4
    for number in range(7):
        at_us = START + 700_000 * (number + 1)
        wired.run(at_us)
        device.node.sense(Impact(10.0 * number, 5.0), at_us)
        assert not wired.session.is_live
    wired.run(START + 6 * S)
    assert wired.session.is_live
    assert (device.node.settings["TARGET_TYPE"], wired.session.settings["MIN_RING_TIME"]) == (0, 500)
    assert wired.session.counters["before_start"] > 3, "the others were cut off at the end of a column"
    assert wired.session.counters["settings_missing"] == 0
    device.node.sense(Impact(1.0, 2.0), START + 6 * S)
    [landing] = [report for report in wired.run(START + 7 * S) if isinstance(report, Reading)]
    assert (landing.x_mm, landing.stamp.uncertainty_s) == (1.0, 0.1)


def test_firmware_6_is_not_silent_while_it_prints_its_settings() -> None:
    world = World(11, START, release_limit_us=START)
    device = new_target(Dialect.V6, world)
    wired = Wired(device, world)
    wired.run(START + 10 * S)
    before = len(wired.reports)
    wired.session.request(ASK_SETTINGS)
    wired.run(START + 12 * S)
    device.node.sense(Impact(1.0, 2.0), START + 12 * S)
    wired.run(START + 14 * S)
    assert wired.session.silent_ns > (START + 15 * S) * 1000
    reports = wired.run(START + 25 * S)[before:]

    [landing] = [report for report in reports if isinstance(report, Reading)]
    assert 1.0 < (landing.stamp.uncertainty_s or 0.0) < 5.0, "it may have waited"
    [start] = [report for report in reports if isinstance(report, StreamStart)]
    assert start.blind_since is not None
    assert (start.blind_since.mono_ns or 0) < (START + 12 * S) * 1000 < (start.stamp.mono_ns or 0)
    pulses = [report.stamp.mono_ns or 0 for report in wired.reports if isinstance(report, Pulse)]
    quiet = [after - before for before, after in pairwise(pulses)]
    assert 5.0 < max(quiet) / 1e9 < 9.5
    assert wired.session.settings_read == 2


@pytest.mark.parametrize("dialect", [Dialect.V3, Dialect.V4])
def test_impacts_that_are_reported_after_a_pause(dialect: Dialect) -> None:
    """FOLLOW_THROUGH: dates include the pause, and no watermark passes an impact that is not reported yet."""
    world = World(11, START, release_limit_us=START)
    device = new_target(dialect, world)
    device.node.settings["FOLLOW_THROUGH"] = 2
    wired = Wired(device, world)
    for number in range(6):
        at_us = START + (5 + 4 * number) * S + 300_000 * number
        wired.run(at_us)
        device.node.sense(Impact(10.0 * number, 5.0), at_us)
        before = len(wired.reports)
        reports = wired.run(at_us + 3 * S)[before:]
        [landing] = [report for report in reports if isinstance(report, Reading)]
        late_s = (landing.stamp.mono_ns or 0) / 1e9 - at_us / S
        assert 2.0 < late_s < (landing.stamp.uncertainty_s or 0.0) < 2.2
        before_it = [report for report in reports[: reports.index(landing)] if isinstance(report, Pulse)]
        assert all((pulse.stamp.mono_ns or 0) < at_us * 1000 for pulse in before_it)


@pytest.mark.parametrize("ends", [10, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_impacts_lost_on_the_line_lie_in_blind_times(dialect: Dialect, ends: int) -> None:
    world = World(11, START, 20.0)
    until_us = START + 2 * S + ends * 12 * S
    faults = FaultPlan(drop=0.1, duplicate=0.1, split=0.1, merge=0.1, stuck=0.01, silence=0.005)
    wired = Wired(new_target(dialect, world), world, faults=faults)
    reports = wired.run(until_us)
    face = world.lane(1).face

    blind: list[tuple[int, int]] = []
    places: list[tuple[float | None, float | None]] = []
    watermark_ns = last_ns = 0
    for report in reports:
        at_ns = report.stamp.mono_ns if isinstance(report, Reading | Pulse | StreamStart) else None
        assert at_ns is not None
        if isinstance(report, StreamStart):
            since_ns = watermark_ns if report.blind_since is None else report.blind_since.mono_ns
            assert since_ns is not None
            blind.append((since_ns, at_ns))
        elif isinstance(report, Pulse):
            watermark_ns = at_ns
        elif isinstance(report, Reading):
            places.append((report.x_mm, report.y_mm))
            last_ns = at_ns
    assert len(places) == len(set(places)), "a duplicate is no second landing"
    lost = 0
    for landing in sensed(world, until_us)[0]:
        place = (round((landing.x_mm or 0) - face.x_mm, 2), round((landing.y_mm or 0) - face.y_mm, 2))
        at_ns = landing.at_us * 1000
        if place not in places and at_ns < last_ns:
            lost += 1
            assert any(since_ns <= at_ns <= until_ns for since_ns, until_ns in blind)
    assert lost > ends // 5
