"""The clock filter on simulated clocks and wires with a known truth."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock.filter import ClockFilter, Probe, mono_of, stamp_of, uncertainty_of
from drivers.clock.host import clock_pair, host_boot_id, utc_of
from drivers.clock.instant import ClockPair
from drivers.clock.transfer import LATE_NS, TimeTransfer
from drivers.contract import ClockModel

STREAM, BOOT = uuid4(), uuid4()
S = 1_000_000_000
MS = 1_000_000


@dataclass
class Device:
    """A device's clock behind a wire, both with configurable errors."""

    drift_ppm: float = 0.0
    zero_ns: int = 0
    """Host's monotonic clock at tick 0."""
    there_ms: tuple[float, float] = (0.05, 0.3)
    back_ms: tuple[float, float] = (0.05, 0.3)
    loss: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def ticks(self, mono_ns: int) -> int:
        return round((mono_ns - self.zero_ns) * (1 + self.drift_ppm / 1e6) / 1000)

    def ask(self, sent_ns: int) -> Probe | None:
        there = round(self.chance.uniform(*self.there_ms) * MS)
        back = round(self.chance.uniform(*self.back_ms) * MS)
        if self.chance.random() < self.loss:
            return None
        heard = sent_ns + there
        answered = heard + 30_000
        return Probe(sent_ns, self.ticks(heard), self.ticks(answered), answered + back)


def run(device: Device, clock: ClockFilter, start_ns: int, until_ns: int) -> None:
    """Run time transfer as a driver does."""
    transfer = TimeTransfer(clock, start_ns)
    now, number = start_ns, 0
    while now < until_ns:
        if transfer.poll(now):
            number += 1
            transfer.on_request(number, now)
            probe = device.ask(now)
            if probe is not None:
                transfer.on_response(number, now, probe.device_received_us, probe.device_sent_us, probe.received_ns)
        now = max(now + 1, transfer.due_ns)


def error_s(device: Device, clock: ClockFilter, mono_ns: int) -> float:
    assert clock.model is not None
    return abs(mono_of(clock.model, device.ticks(mono_ns)) - mono_ns) / 1e9


@pytest.mark.parametrize("drift_ppm", [-100.0, 0.0, 37.0, 100.0])
@pytest.mark.parametrize("zero_ns", [-41 * 3600 * S, 250 * MS])
def test_the_first_burst_is_right_to_a_millisecond(drift_ppm: float, zero_ns: int) -> None:
    device = Device(drift_ppm, zero_ns)
    clock = ClockFilter(STREAM, BOOT)

    run(device, clock, 1000 * S, 1000 * S + 800 * MS)

    assert clock.synchronised
    assert error_s(device, clock, 1000 * S + 800 * MS) < 1e-3


@pytest.mark.parametrize("drift_ppm", [-100.0, 100.0])
@pytest.mark.parametrize("wire_ms", [(0.05, 0.3), (1.0, 6.0)], ids=["wire", "radio"])
def test_errors_stay_below_5_ms_and_the_uncertainty(drift_ppm: float, wire_ms: tuple[float, float]) -> None:
    device = Device(drift_ppm, 250 * MS, there_ms=wire_ms, back_ms=wire_ms)
    clock = ClockFilter(STREAM, BOOT)

    for until_s in (10, 20, 60, 300):
        clock = ClockFilter(STREAM, BOOT)
        run(device, clock, 1000 * S, (1000 + until_s) * S)
        now = (1000 + until_s) * S
        assert error_s(device, clock, now) < 5e-3
        assert clock.model is not None
        assert error_s(device, clock, now) <= uncertainty_of(clock.model, device.ticks(now))
        if until_s >= 60:
            assert clock.model.skew == pytest.approx(-drift_ppm * 1e-6, abs=20e-6)


@given(st.floats(-100, 100), st.floats(0.02, 3.0), st.floats(0.02, 3.0), st.floats(0.0, 0.4), st.integers(0, 1 << 32))
def test_the_true_instant_lies_within_the_uncertainty(
    drift_ppm: float, there_ms: float, back_ms: float, loss: float, seed: int
) -> None:
    device = Device(drift_ppm, 250 * MS, (0.02, there_ms), (0.02, back_ms), loss, random.Random(seed))
    clock = ClockFilter(STREAM, BOOT)

    run(device, clock, 50 * S, 90 * S)

    assert clock.model is not None
    for at in (50 * S, 70 * S, 90 * S, 100 * S):
        assert error_s(device, clock, at) <= uncertainty_of(clock.model, device.ticks(at))


def test_a_clock_half_a_percent_off_is_learnt() -> None:
    device = Device(drift_ppm=5000.0)
    clock = ClockFilter(STREAM, BOOT)

    run(device, clock, 100 * S, 220 * S)

    assert clock.resets >= 1
    assert error_s(device, clock, 225 * S) < 1e-3


def test_one_delayed_burst_is_an_outlier_and_changes_nothing() -> None:
    device = Device()
    clock = ClockFilter(STREAM, BOOT)
    run(device, clock, 100 * S, 160 * S)
    before = clock.model

    late = Probe(160 * S, device.ticks(160 * S) + 20_000, device.ticks(160 * S) + 20_000, 160 * S + 400_000)

    assert not clock.add_burst([late])
    assert clock.model is before
    assert clock.rejected == 1


def test_five_outliers_in_a_row_replace_the_model() -> None:
    device = Device()
    clock = ClockFilter(STREAM, BOOT)
    run(device, clock, 100 * S, 160 * S)
    device.zero_ns = 2 * S  # the clock jumps without a reboot

    run(device, clock, 170 * S, 240 * S)

    assert clock.resets == 1
    assert error_s(device, clock, 240 * S) < 1e-3


def test_the_least_delayed_probe_of_a_burst_counts() -> None:
    device = Device()
    good = Probe(100 * S, device.ticks(100 * S + 100_000), device.ticks(100 * S + 100_000), 100 * S + 200_000)
    slow = Probe(101 * S, device.ticks(101 * S + 100_000), device.ticks(101 * S + 100_000), 101 * S + 90 * MS)
    clock = ClockFilter(STREAM, BOOT)

    assert clock.add_burst([slow, good, slow])
    assert error_s(device, clock, 100 * S) < 10e-6
    assert not clock.add_burst([])


def test_a_stored_model_serves_until_the_first_burst() -> None:
    device = Device(drift_ppm=80.0)
    first = ClockFilter(STREAM, BOOT)
    run(device, first, 100 * S, 300 * S)
    stored = first.model
    assert stored is not None

    again = ClockFilter(STREAM, BOOT, stored=stored)
    assert (again.model, again.synchronised) == (stored, False)
    run(device, again, 400 * S, 401 * S)

    assert error_s(device, again, 0) < 10e-3  # 400 s back from one burst: by the stored rate
    assert ClockFilter(STREAM, uuid4(), stored=stored).model is None
    assert ClockFilter(uuid4(), BOOT, stored=stored).model is None


def test_a_bad_first_burst_keeps_a_better_stored_clock() -> None:
    device = Device(drift_ppm=-60.0, back_ms=(150.0, 160.0))
    first = ClockFilter(STREAM, BOOT)
    run(Device(drift_ppm=-60.0), first, 100 * S, 110 * S)

    again = ClockFilter(STREAM, BOOT, stored=first.model)
    run(device, again, 111 * S, 112 * S)

    assert again.synchronised
    assert error_s(device, again, 112 * S) < 2e-3


def test_another_boot_gives_only_the_expected_rate() -> None:
    before, device = Device(drift_ppm=80.0), Device(drift_ppm=80.0, zero_ns=400 * S)
    sibling = ClockFilter(uuid4(), BOOT)
    run(before, sibling, 100 * S, 300 * S)

    assert ClockFilter(STREAM, BOOT, sibling=sibling.model).model is None
    clock = ClockFilter(STREAM, BOOT, sibling=sibling.model)
    run(device, clock, 400 * S, 401 * S)
    assert clock.model is not None
    assert error_s(device, clock, 300 * S) < 2e-3  # an event 100 s before, perhaps of an unseen boot
    assert error_s(device, clock, 300 * S) < uncertainty_of(clock.model, device.ticks(300 * S)) < 3e-3


def test_a_wrong_expected_rate_is_dropped_in_time() -> None:
    before, device = Device(drift_ppm=100.0), Device(drift_ppm=-100.0, zero_ns=400 * S)
    sibling = ClockFilter(uuid4(), BOOT)
    run(before, sibling, 100 * S, 300 * S)

    clock = ClockFilter(STREAM, BOOT, sibling=sibling.model)
    for second in range(402, 500, 2):
        run(device, clock, (second - 2) * S, second * S)
        assert error_s(device, clock, second * S) < 5e-3
    assert clock.resets == 0
    assert error_s(device, clock, 500 * S) < 1e-3


def test_a_stored_clock_of_another_device_is_dropped() -> None:
    device = Device(drift_ppm=30.0, zero_ns=5 * S)
    first = ClockFilter(STREAM, BOOT)
    run(Device(drift_ppm=30.0), first, 100 * S, 110 * S)

    again = ClockFilter(STREAM, BOOT, stored=first.model)
    run(device, again, 111 * S, 112 * S)

    assert error_s(device, again, 112 * S) < 1e-3


def test_late_repeated_and_impossible_answers_are_ignored() -> None:
    clock = ClockFilter(STREAM, BOOT)
    transfer = TimeTransfer(clock, 0)
    for number in range(1, 9):
        now = transfer.due_ns
        assert transfer.poll(now)
        transfer.on_request(number, now)
        transfer.on_response(number, now + 1, 5, 5, now + MS)  # another request than the one sent
        transfer.on_response(number + 100, now, 5, 5, now + MS)  # never requested
        transfer.on_response(number, now, 5, 5, now + MS)  # requested, but answered wrongly above
    assert not transfer.poll(transfer.due_ns)
    assert not clock.synchronised

    for number, (t1, t2, t3) in enumerate(
        [(5, 4, MS), (1 << 61, 1 << 61, MS), (5, 5, LATE_NS + 2), (0, 1_000_000, MS)], start=20
    ):
        now = transfer.due_ns
        assert transfer.poll(now)
        transfer.on_request(number, now)
        transfer.on_response(number, now, t1, t2, now + t3)
    while transfer.poll(transfer.due_ns):
        transfer.on_request(99, transfer.due_ns)
    assert not clock.synchronised


def test_a_slow_first_burst_is_repeated_at_once() -> None:
    busy_until_ns = 100 * S + 450 * MS

    class Busy(Device):
        def ask(self, sent_ns: int) -> Probe | None:
            self.there_ms = (5.0, 40.0) if sent_ns < busy_until_ns else (0.05, 0.3)
            return super().ask(sent_ns)

    device = Busy(drift_ppm=50.0)
    clock = ClockFilter(STREAM, BOOT)
    run(device, clock, 100 * S, 101 * S)

    assert clock.model is not None
    assert clock.model.uncertainty_s < 1e-3
    assert error_s(device, clock, 101 * S) < 1e-3


def test_bursts_without_answers_are_repeated_at_once() -> None:
    transfer = TimeTransfer(ClockFilter(STREAM, BOOT), 0)
    asked = 0
    now = 0
    while now < 3 * S:
        if transfer.poll(now):
            asked += 1
            transfer.on_request(asked, now)
        now = max(now + 1, transfer.due_ns)

    assert 30 <= asked <= 60


def test_a_tick_maps_to_the_same_instant_on_both_clocks() -> None:
    model = ClockModel(
        STREAM, BOOT, ref_ticks_us=1_000_000, ref_mono_ns=5 * S, skew=1e-4, uncertainty_s=1e-4, skew_uncertainty=1e-6
    )
    pair = ClockPair(mono_ns=10 * S, utc_ns=1_767_225_600 * S)

    stamp = stamp_of(model, 11_000_000, pair)

    assert stamp.mono_ns == 15 * S + MS
    assert stamp.at == datetime(2026, 1, 1, 0, 0, 5, 1000, tzinfo=UTC)
    assert stamp.uncertainty_s == pytest.approx(1.1e-4)


def test_the_hosts_own_clocks_agree() -> None:
    before = datetime.now(UTC)
    now = utc_of(time.monotonic_ns())
    after = datetime.now(UTC)

    assert abs((now - before).total_seconds()) < 0.05 + (after - before).total_seconds()
    pair = clock_pair()
    assert pair.mono_ns <= time.monotonic_ns()
    assert isinstance(host_boot_id(), UUID)
    assert host_boot_id() == host_boot_id()
