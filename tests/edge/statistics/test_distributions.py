"""Distributions against other ways to compute them."""

from __future__ import annotations

import math
import random

import pytest

from edge.statistics.distributions import chi_square_quantile, deviation_ratio, distance_tail


def chi_square_below(x: float, freedom: int) -> float:
    """Return the distribution function by Simpson's rule over the density."""
    steps = 2000
    width = x / steps

    def density(at: float) -> float:
        if at == 0:
            return 0.0 if freedom > 2 else 0.5
        half = freedom / 2
        return math.exp((half - 1) * math.log(at) - at / 2 - half * math.log(2) - math.lgamma(half))

    weighted = [density(i * width) * (1 if i in (0, steps) else 4 if i % 2 else 2) for i in range(steps + 1)]
    return sum(weighted) * width / 3


@pytest.mark.parametrize("freedom", [2, 4, 10, 22, 118, 1998])
@pytest.mark.parametrize("probability", [0.025, 0.5, 0.975])
def test_a_quantile_of_chi_square_has_its_probability_below(freedom: int, probability: float) -> None:
    assert chi_square_below(chi_square_quantile(probability, freedom), freedom) == pytest.approx(probability, abs=2e-6)


def test_a_quantile_of_two_degrees_of_freedom_is_a_logarithm() -> None:
    for probability in (1e-6, 0.025, 0.975, 1 - 1e-6):
        assert chi_square_quantile(probability, 2) == pytest.approx(-2 * math.log(1 - probability), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "ratio"), [(3, 0.940), (6, 0.975), (12, 0.989), (30, 0.996)]
)  # published for groups of n arrows, which have 2(n - 1) degrees of freedom
def test_a_samples_deviation_is_smaller_by_the_published_ratio(n: int, ratio: float) -> None:
    assert deviation_ratio(2 * (n - 1)) == pytest.approx(ratio, abs=0.0006)


def test_the_tail_of_a_distance_matches_drawn_points() -> None:
    chance = random.Random(5)
    points = [(chance.gauss(0, 1), chance.gauss(0, 1)) for _ in range(20_000)]
    for offset in (0.0, 1.5, 4.0):
        for distance in (offset, offset + 1, offset + 2):
            beyond = sum(math.hypot(x + offset, y) > distance for x, y in points) / len(points)
            assert distance_tail(distance, offset) == pytest.approx(beyond, abs=0.012)


def test_the_tail_of_a_distance_without_offset_is_an_exponential() -> None:
    for distance in (0.0, 1.0, 3.0, 8.0):
        assert distance_tail(distance, 0.0) == pytest.approx(math.exp(-(distance**2) / 2), rel=1e-9)


def test_the_tail_of_a_distance_far_off_is_that_of_one_axis() -> None:
    for offset in (19.9, 20.1, 400.0):  # on both sides of the switch from the sum to the normal tail
        assert distance_tail(offset + 2, offset) == pytest.approx(0.5 * math.erfc(2 / math.sqrt(2)), rel=0.1)
    assert distance_tail(5000.0, 3.0) == 0.0


@pytest.mark.parametrize(("probability", "freedom"), [(0.5, 3), (0.5, 0), (0.0, 4), (1.0, 4)])
def test_impossible_arguments_are_refused(probability: float, freedom: int) -> None:
    with pytest.raises(ValueError):
        chi_square_quantile(probability, freedom)


def test_no_repeat_gives_no_ratio() -> None:
    with pytest.raises(ValueError):
        deviation_ratio(0)
