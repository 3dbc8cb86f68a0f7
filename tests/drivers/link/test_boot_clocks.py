"""The clock that dates an event of an earlier boot, and its uncertainty."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock.filter import mono_of, uncertainty_of
from drivers.clock.instant import ClockPair
from drivers.contract import ClockModel
from drivers.link.boot_clocks import BAD_CLOCK, NO_CLOCK, PAUSE_ERROR_S, PAUSE_RATE, BootOffset, StreamClocks

HOST = UUID(int=1)
OLDEST, BEFORE, PRESENT = UUID(int=10), UUID(int=11), UUID(int=12)
S = 1_000_000
NOW_NS = 5_000 * 10**9
LEARNT = ClockModel(PRESENT, HOST, 2 * S, NOW_NS, 50e-6, 1e-4, 1e-5)
PLACES = (
    BootOffset(PRESENT, 0, BEFORE, 1 * S),
    BootOffset(BEFORE, -100 * S, OLDEST, 3 * S),
    BootOffset(OLDEST, -200 * S, None, None),
)


def clocks(*stored: ClockModel, places: tuple[BootOffset, ...] = PLACES) -> StreamClocks:
    known = StreamClocks(stored, HOST)
    known.set_offsets(places)
    return known


def test_the_present_clock_dates_events_of_an_earlier_boot() -> None:
    stamp, undated = clocks(LEARNT).date(BEFORE, 40 * S, NOW_NS, ClockPair(NOW_NS, NOW_NS))
    assert undated is None
    assert stamp.mono_ns == mono_of(LEARNT, -60 * S)
    assert stamp.uncertainty_s == pytest.approx(1e-4 + 62 * 1e-5 + PAUSE_ERROR_S + 1 * PAUSE_RATE)


def test_only_pauses_add_uncertainty() -> None:
    model = clocks(LEARNT).best(OLDEST, 202 * S)
    assert model is not None
    assert (model.stream_id, mono_of(model, 202 * S)) == (OLDEST, NOW_NS)
    assert uncertainty_of(model, 202 * S) == pytest.approx(1e-4 + 2 * PAUSE_ERROR_S + (1 + 3) * PAUSE_RATE)


def test_the_clock_with_the_least_uncertainty_is_used() -> None:
    near = ClockModel(BEFORE, HOST, 50 * S, NOW_NS - 52 * 10**9, 50e-6, 1e-4, 1e-5)
    model = clocks(LEARNT, near).best(OLDEST, 90 * S)
    assert model is not None
    assert mono_of(model, 150 * S) == near.ref_mono_ns
    assert model.uncertainty_s == pytest.approx(1e-4 + PAUSE_ERROR_S + 3 * PAUSE_RATE)


@pytest.mark.parametrize(("own_s", "moved_ns", "own_counts"), [(1e-4, 0, True), (20e-3, 0, False), (2e-3, 10**8, True)])
def test_a_measured_clock_yields_only_to_an_agreeing_better_one(own_s: float, moved_ns: int, own_counts: bool) -> None:
    derived = clocks(LEARNT).best(BEFORE, 40 * S)
    assert derived is not None
    own = ClockModel(BEFORE, HOST, 40 * S, mono_of(derived, 40 * S) + moved_ns, 50e-6, own_s, 1e-6)
    chosen = clocks(LEARNT, own).best(BEFORE, 40 * S)
    assert (chosen is own) == own_counts


def test_a_derived_clock_dates_ticks_far_from_the_measurement() -> None:
    derived = clocks(LEARNT).best(BEFORE, 0)
    assert derived is not None
    early = ClockModel(BEFORE, HOST, S, mono_of(derived, S), 50e-6, 1e-4, 2e-4)
    known = clocks(LEARNT, early)
    assert known.best(BEFORE, 2 * S) is early
    assert known.best(BEFORE, 90 * S) == derived


def test_the_present_boot_uses_its_own_clock_only() -> None:
    before = ClockModel(BEFORE, HOST, 100 * S, NOW_NS, 0.0, 1e-6, 1e-6)
    assert clocks(before).date(PRESENT, S, NOW_NS, ClockPair(NOW_NS, NOW_NS))[1] == NO_CLOCK
    assert clocks(LEARNT, before).best(PRESENT, S) is LEARNT


def test_a_boot_without_offset_uses_its_own_clock_only() -> None:
    nowhere = clocks(LEARNT, places=(BootOffset(PRESENT, 0, BEFORE, 0), BootOffset(BEFORE, -(1 << 62), None, 0)))
    assert nowhere.date(BEFORE, S, NOW_NS, ClockPair(NOW_NS, NOW_NS))[1] == NO_CLOCK
    assert not nowhere.may_improve(BEFORE)
    assert clocks(LEARNT).date(BEFORE, 300 * S, NOW_NS, ClockPair(NOW_NS, NOW_NS))[1] == BAD_CLOCK


def test_a_boot_that_is_not_listed_any_more_keeps_its_offset() -> None:
    known = clocks()
    known.set_offsets([BootOffset(UUID(int=13), 0, PRESENT, S), BootOffset(PRESENT, -10 * S, BEFORE, S)])
    known.store(ClockModel(UUID(int=13), HOST, 0, NOW_NS, 0.0, 1e-4, 0.0))
    model = known.best(OLDEST, 210 * S)
    assert model is not None
    assert mono_of(model, 210 * S) == NOW_NS
    assert model.uncertainty_s == pytest.approx(1e-4 + 3 * PAUSE_ERROR_S + 5 * PAUSE_RATE)
    known.set_offsets([BootOffset(UUID(int=14), 0, None, None)])  # it lists no earlier boot
    assert not known.may_improve(OLDEST)


@given(
    st.lists(st.tuples(st.integers(1, 10**10), st.integers(1000, 10**9)), min_size=1, max_size=8),
    st.integers(-100, 100),
    st.sampled_from([-1, 1]),
    st.data(),
)
def test_the_true_instant_is_within_the_uncertainty(
    boots: list[tuple[int, int]], drift_ppm: int, lean: int, data: st.DataObject
) -> None:
    """A crystal and a clock that runs on, each with the greatest error that the specification allows."""
    zero_us, true_us = 0, 0.0
    places, zeros = [BootOffset(PRESENT, 0, None, None)], [(PRESENT, 0.0)]
    for n, (ran_us, pause_us) in enumerate(boots):
        true_us -= ran_us / (1 + drift_ppm * 1e-6) + pause_us
        reported_us = round(pause_us * (1 + lean * 99e-6) + lean * 199)
        zero_us -= ran_us + reported_us
        stream = UUID(int=100 + n)
        places[-1] = replace(places[-1], previous=stream, blind_us=reported_us)
        places.append(BootOffset(stream, zero_us, None, None))
        zeros.append((stream, true_us))
    skew = 1 / (1 + drift_ppm * 1e-6) - 1
    known = clocks(ClockModel(PRESENT, HOST, 0, 0, skew, 1e-6, 1e-9), places=tuple(places))
    (stream, began_us), (ran_us, _) = data.draw(st.sampled_from(list(zip(zeros[1:], boots, strict=True))))
    tick_us = data.draw(st.integers(0, ran_us))
    model = known.best(stream, tick_us)
    assert model is not None
    error_s = abs(mono_of(model, tick_us) / 1e9 - (began_us + tick_us / (1 + drift_ppm * 1e-6)) / 1e6)
    assert error_s <= uncertainty_of(model, tick_us)
