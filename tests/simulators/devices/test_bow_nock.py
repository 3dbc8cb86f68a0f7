"""The simulated nock switch moves its pins as the world demands, and its driver's session understands every move."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from drivers.clock.instant import ClockPair
from drivers.contract import Pulse, Reading, ReadingKind, ReleaseCause, Report, Source
from drivers.nock.session import GATES, NOCK, NockSession
from simulators.devices.bow_nock import (
    BLOCKED,
    BURST_US,
    ENGAGED,
    GATE_A,
    GATE_B,
    GATE_MM,
    SIMULATOR,
    SWITCH_ALONE,
    NockSwitch,
)
from simulators.devices.bow_nock import NOCK as NOCK_PIN
from simulators.devices.contract import DeviceSpec, Drive
from simulators.world.range import EventKind, World
from simulators.world.vocabulary import Result

S = 1_000_000
LOOK_US = 1 * S
WORLD = World(3, 0, 20.0)
NAMES = {NOCK_PIN: NOCK, GATE_A: GATES[0], GATE_B: GATES[1]}
ACTIVE = {NOCK_PIN: ENGAGED, GATE_A: BLOCKED, GATE_B: BLOCKED}


class Listener:
    """A session that is fed by a simulated switch, in simulated time."""

    def __init__(self, switch: NockSwitch) -> None:
        self.switch = switch
        self.levels = dict(switch.levels())
        self.reports: list[Report] = []
        self.look_us = LOOK_US
        self.session = NockSession(
            "bow-1", Source.SIMULATOR, UUID(int=1), settle_ns=20_000_000, gate_mm=GATE_MM, active=self._active(), at_ns=0,
            pair=ClockPair(0, 0),
        )  # fmt: skip

    def run(self, until_us: int) -> None:
        """Feed everything up to ``until_us``."""
        for drive in self.switch.poll(until_us):
            self._pass_time(drive.due_us)
            self._drive(drive)
        self._pass_time(until_us)

    def _drive(self, drive: Drive) -> None:
        self.levels[drive.pin] = drive.level
        level = drive.level if drive.reported is None else drive.reported
        at_ns = drive.at_us * 1000
        self.session.on_edge(NAMES[drive.pin], at_ns, level is ACTIVE[drive.pin], 0, ClockPair(at_ns, at_ns))
        self._take()

    def _pass_time(self, until_us: int) -> None:
        while True:
            due_ns = self.session.due_ns
            due_us = self.look_us if due_ns is None else min(self.look_us, -(-due_ns // 1000))
            if due_us > until_us:
                return
            pair = ClockPair(due_us * 1000, due_us * 1000)
            if due_us == self.look_us:
                self.look_us += LOOK_US
                self.session.on_look(pair.mono_ns, self._active(), pair)
            else:
                self.session.poll(pair.mono_ns, pair)
            self._take()

    def _active(self) -> dict[str, bool]:
        return {NAMES[pin]: level is ACTIVE[pin] for pin, level in self.levels.items()}

    def _take(self) -> None:
        while (report := self.session.next_report()) is not None:
            self.reports.append(report)


@pytest.fixture(scope="module")
def listener() -> Listener:
    """Six minutes at speed 20: some 180 shots."""
    found = Listener(NockSwitch(DeviceSpec("bow-1", SIMULATOR.driver, 1), WORLD, 0))
    found.run(360 * S)
    return found


def readings_of(listener: Listener) -> list[Reading]:
    return [report for report in listener.reports if isinstance(report, Reading)]


def test_every_event_of_the_world_is_a_reading_at_its_instant(listener: Listener) -> None:
    true = [
        (event.kind.value, event.at_us * 1000)
        for event in WORLD.events(1, 0, 359 * S)
        if event.kind in (EventKind.ENGAGE, EventKind.RELEASE)
    ]
    found = [(reading.kind.value, reading.stamp.mono_ns) for reading in readings_of(listener)]
    assert found[: len(true)] == true
    assert len(found) - len(true) <= 2
    assert len(true) > 300


def test_every_release_has_its_true_cause_and_speed(listener: Listener) -> None:
    results = {release.released_us * 1000: release.result for release in WORLD.releases(1, 0, 360 * S)}
    releases = [reading for reading in readings_of(listener) if reading.kind is ReadingKind.RELEASE]
    causes = Counter((reading.cause, results[reading.stamp.mono_ns or 0] is Result.NOT_SHOT) for reading in releases)
    assert causes.keys() == {(ReleaseCause.SHOT, False), (ReleaseCause.REMOVED, True)}
    speeds = [reading.launch_mps for reading in releases if reading.cause is ReleaseCause.SHOT]
    assert speeds == [pytest.approx(WORLD.archer(1).launch_mps, rel=2e-3)] * len(speeds)
    assert {reading.launch_mps for reading in releases if reading.cause is ReleaseCause.REMOVED} == {None}


def test_the_switch_alone_gives_the_same_readings_without_cause(listener: Listener) -> None:
    alone = Listener(NockSwitch(DeviceSpec("bow-1", SIMULATOR.driver, 1, SWITCH_ALONE), WORLD, 0))
    alone.run(120 * S)
    found, true = readings_of(alone), readings_of(listener)

    assert len(found) > 100
    for reading, with_gates in zip(found, true, strict=False):
        assert (reading.kind, reading.stamp.mono_ns) == (with_gates.kind, with_gates.stamp.mono_ns)
        assert (reading.cause, reading.launch_mps) == (None, None)
    assert alone.levels.keys() == {NOCK_PIN}
    assert alone.session.counters()["gate_edges"] == 0


def test_a_pulse_divides_earlier_events_from_later_ones(listener: Listener) -> None:
    last_seq, last_ns, promised_ns = 0, 0, 0
    for report in listener.reports:
        if isinstance(report, Reading):
            last_seq, last_ns = report.seq, report.stamp.mono_ns or 0
            assert last_ns > promised_ns
        elif isinstance(report, Pulse):
            promised_ns = report.stamp.mono_ns or 0
            assert report.last_seq == last_seq
            assert last_ns < promised_ns
    assert sum(isinstance(report, Pulse) for report in listener.reports) > 340


def test_contacts_bounce_for_at_most_fifteen_milliseconds(listener: Listener) -> None:
    counters = listener.session.counters()
    assert counters["same_direction"] > 100
    assert (counters["glitches"], counters["by_level"], counters["edges_late"]) == (0, 0, 0)
    switch = NockSwitch(DeviceSpec("bow-1", SIMULATOR.driver, 1), WORLD, 0)
    moves = [drive for drive in switch.poll(60 * S) if drive.pin == NOCK_PIN]
    nockings = sorted({event.at_us for event in WORLD.events(1, 0, 61 * S)})
    for drive in moves:
        start_us = max(at_us for at_us in nockings if at_us <= drive.at_us)
        assert drive.at_us - start_us <= BURST_US


def test_a_switch_that_starts_late_knows_the_arrow_on_the_string() -> None:
    first = WORLD.releases(1, 0, 60 * S)[0]
    middle_us = (first.engaged_us + first.released_us) // 2
    switch = NockSwitch(DeviceSpec("bow-1", SIMULATOR.driver, 1), WORLD, middle_us)
    assert switch.levels()[NOCK_PIN] is ENGAGED
    assert min(drive.at_us for drive in switch.poll(60 * S)) >= middle_us
