"""Trials of a bow's threshold: edges are compared with cues, and the threshold follows from the errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock.instant import Instant
from edge.common.vocabulary import ReadingKind
from edge.operator.calibration.bow_trials import (
    BowChoice,
    Edge,
    ThresholdErrors,
    Trial,
    TrialResult,
    choose,
    errors_by_threshold,
    judge,
    next_threshold,
    quantile,
    spread,
    thresholds_between,
)

T0 = datetime(2026, 5, 1, 12, tzinfo=UTC)
BOOT = UUID(int=3)


def instant(second: float, *, stepped: float = 0.0) -> Instant:
    return Instant(T0 + timedelta(seconds=second + stepped), round((second + 1000) * 1e9), BOOT)


def trial(threshold: int = 100) -> Trial:
    """Nocked at 2 s, released at 6 s."""
    return Trial(threshold, instant(2), instant(6), T0 + timedelta(seconds=1), T0 + timedelta(seconds=7))


def engage(second: float) -> Edge:
    return Edge(ReadingKind.ENGAGE, instant(second))


def release(second: float) -> Edge:
    return Edge(ReadingKind.RELEASE, instant(second))


def result(threshold: int, *, false: int = 0, missed: int = 0, latency_s: float = 0.01) -> TrialResult:
    return TrialResult(trial(threshold), false, missed, 0.02, latency_s)


def test_edges_at_the_cues_are_right() -> None:
    judged = judge(trial(), [engage(2.02), release(6.012)])
    assert (judged.false_edges, judged.missed_edges, judged.has_errors) == (0, 0, False)
    assert judged.engage_latency_s == pytest.approx(0.02)
    assert judged.release_latency_s == pytest.approx(0.012)


def test_other_edges_are_false_and_cues_without_one_are_missed() -> None:
    judged = judge(trial(), [engage(2.3), release(3.0), engage(3.1), release(5.99), release(6.4)])
    assert (judged.false_edges, judged.missed_edges) == (3, 0)
    assert judged.release_latency_s == pytest.approx(-0.01)
    assert judge(trial(), []).missed_edges == 2
    late = judge(trial(), [engage(2.0), release(4.5)])
    assert (late.false_edges, late.missed_edges, late.release_latency_s) == (1, 1, None)
    wrong = judge(trial(), [release(2.0), engage(6.0)])
    assert (wrong.false_edges, wrong.missed_edges) == (2, 2)


def test_latency_is_free_of_a_step_of_the_wall_clock() -> None:
    stepped = Edge(ReadingKind.RELEASE, instant(6.01, stepped=0.5))
    assert judge(trial(), [engage(2), stepped]).release_latency_s == pytest.approx(0.01)
    by_wall_clock = replace(trial(), released=Instant(T0 + timedelta(seconds=6)))
    assert judge(by_wall_clock, [engage(2), stepped]).release_latency_s == pytest.approx(0.51)


def test_the_middle_of_the_widest_error_free_range_is_chosen() -> None:
    results = [
        result(20, false=6), result(40), result(60, false=1), result(80), result(120), result(170, latency_s=0.03),
        result(170, latency_s=0.02), result(240, missed=1), result(350),
    ]  # fmt: skip
    chosen = choose(results)
    assert chosen is not None
    assert (chosen.threshold, chosen.free_from, chosen.free_to, chosen.releases) == (125, 80, 170, 4)
    assert (chosen.latency_median_s, chosen.latency_p95_s) == pytest.approx((0.015, 0.0285))
    assert errors_by_threshold(results)[5] == ThresholdErrors(170, 2, 0, 0)
    assert choose([result(20, false=1), result(40, missed=1)]) is None
    assert choose([result(40), result(60, false=1), result(80)]) == BowChoice(40, 40, 40, 1, 0.01, 0.01)


def test_one_error_in_one_trial_spoils_a_threshold() -> None:
    chosen = choose([result(80), result(120), result(120, missed=1), result(170)])
    assert chosen is not None
    assert chosen.threshold == 80


def test_trials_are_spread_over_thresholds() -> None:
    assert spread(20, 500, 20) == sorted([20, 29, 41, 58, 84, 120, 171, 245, 350, 500] * 2)
    assert spread(100, 100, 3) == [100, 100, 100]
    assert spread(0, 1, 4) == [0, 0, 1, 1]
    plan = spread(20, 500, 20)
    assert next_threshold(plan, []) == 20
    assert next_threshold(plan, [trial(20), trial(20), trial(41)]) == 29
    assert next_threshold(plan, [trial(one) for one in plan]) is None


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(1, 50))
def test_thresholds_cover_their_range(low: int, high: int, count: int) -> None:
    low, high = min(low, high), max(low, high)
    chosen = thresholds_between(low, high, count)
    assert chosen == sorted(set(chosen))
    assert (chosen[0], chosen[-1]) == (low, high)
    assert len(chosen) <= count + 2


def test_trials_survive_json() -> None:
    assert Trial.from_json(trial().to_json()) == trial()
    by_file = replace(trial(), engaged=Instant(T0), released=Instant(T0 + timedelta(seconds=1)))
    assert Trial.from_json(by_file.to_json()) == by_file


def test_quantiles_are_interpolated() -> None:
    assert quantile([3.0], 0.95) == 3.0
    assert quantile([0.0, 1.0, 2.0], 0.5) == 1.0
    assert quantile([float(value) for value in range(21)], 0.95) == 19.0
