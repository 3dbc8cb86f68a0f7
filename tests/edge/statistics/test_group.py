"""The group against numbers computed here, published factors and drawn groups."""

from __future__ import annotations

import math
import random
import re
from itertools import combinations
from statistics import fmean

import pytest

from edge.common.frames import FacePoint
from edge.statistics import Group, group, sight_correction, spread
from tests.test_project import ROOT

SPOTS = [(10, 4), (-10, -4), (4, 10), (-4, -10), (8, -8), (-8, 8)]


def points(n: int, sigma: float = 60.0, seed: int = 1, dx: float = 20.0, dy: float = -35.0) -> list[FacePoint]:
    chance = random.Random(seed)
    return [FacePoint(chance.gauss(dx, sigma), chance.gauss(dy, sigma)) for _ in range(n)]


def found_in(given: list[FacePoint]) -> Group:
    found = group(given)
    assert found is not None
    return found


def unbiased(given: list[FacePoint]) -> tuple[float, float]:
    """Return sigma from squared distances to the mean, with and without the correction for bias."""
    n = len(given)
    mx, my = fmean(p.x for p in given), fmean(p.y for p in given)
    total = sum((p.x - mx) ** 2 + (p.y - my) ** 2 for p in given)
    s, freedom = math.sqrt(total / (2 * (n - 1))), 2 * (n - 1)
    c4 = math.sqrt(2 / freedom) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    return s / c4, s


def test_a_middle_needs_one_arrow_and_a_spread_six() -> None:
    assert group([]) is None
    for n in (1, 5, 6, 12):
        given = points(n)
        found = found_in(given)
        assert found.n == n
        assert found.dx_mm == pytest.approx(fmean(p.x for p in given))
        assert found.dy_mm == pytest.approx(fmean(p.y for p in given))
        for of_sigma in (found.spread, found.error_mm, found.r50_mm, found.r95_mm, sight_correction(found, 70.0)):
            assert (of_sigma is not None) == (n >= 6)
        assert (found.mean_radius_mm is not None) == (found.extreme_spread_mm is not None) == (n > 1)
        assert (found.trend is not None) == (n >= 12)


@pytest.mark.parametrize("n", [6, 12, 30, 60, 400])
def test_sigma_and_its_derived_radii_match_a_computation_here(n: int) -> None:
    given = points(n)
    found = found_in(given)
    sigma, _ = unbiased(given)
    assert found.spread is not None
    assert found.spread.sigma_mm == pytest.approx(sigma, rel=1e-9)
    assert found.error_mm == pytest.approx(sigma / math.sqrt(n))
    assert found.r50_mm == pytest.approx(1.1774 * sigma, rel=1e-4)
    assert found.r95_mm == pytest.approx(2.4477 * sigma, rel=1e-4)


@pytest.mark.parametrize(
    ("n", "low", "high"), [(3, 0.60, 2.88), (6, 0.70, 1.75), (12, 0.77, 1.42), (30, 0.85, 1.22), (60, 0.89, 1.15)]
)
def test_the_interval_matches_published_factors(n: int, low: float, high: float) -> None:
    found = spread(2.0 * (n - 1), n - 1)  # the sum of squares for s = 1
    assert (found.low_mm, found.high_mm) == pytest.approx((low, high), abs=0.01)


def test_the_documented_intervals_are_those_of_the_shown_sigma() -> None:
    rows = re.findall(
        r"^\| (\d+) \| ([\d.]+) to ([\d.]+)", (ROOT / "docs" / "statistics.md").read_text("utf-8"), re.MULTILINE
    )
    assert [int(n) for n, _, _ in rows] == [3, 6, 12, 30, 60]
    for n, low, high in rows:
        found = spread(1.0, int(n) - 1)
        assert (f"{found.low_mm / found.sigma_mm:.2f}", f"{found.high_mm / found.sigma_mm:.2f}") == (low, high)


def test_no_spread_without_a_repeat() -> None:
    with pytest.raises(ValueError, match="repeated shot"):
        spread(0.0, 0)


DRAWN = 2000


@pytest.mark.parametrize(("n", "mean"), [(3, 2.39), (6, 3.26), (12, 4.00), (30, 4.79), (60, 5.33)])
def test_drawn_extreme_spreads_have_the_published_mean(n: int, mean: float) -> None:
    groups = DRAWN // n
    drawn = [found_in(points(n, 1.0, seed)).extreme_spread_mm or 0.0 for seed in range(groups)]
    assert fmean(drawn) == pytest.approx(mean, abs=4 * 0.9 / math.sqrt(groups))


@pytest.mark.parametrize("n", [6, 12])
def test_drawn_groups_have_an_unbiased_sigma(n: int) -> None:
    drawn = [found_in(points(n, 50.0, seed)) for seed in range(300)]
    spreads = [found.spread for found in drawn if found.spread is not None]
    assert fmean(one.sigma_mm for one in spreads) == pytest.approx(50.0, rel=0.03)
    assert fmean(one.low_mm <= 50.0 <= one.high_mm for one in spreads) == pytest.approx(0.95, abs=0.04)
    radius = fmean(found.mean_radius_mm or 0.0 for found in drawn)
    assert radius == pytest.approx(1.2533 * 50 * math.sqrt((n - 1) / n), rel=0.03)
    off = fmean(found.is_off_x for found in found_at_the_middle(n))
    assert off < 0.12  # two standard errors of an estimated sigma: 7 % with 6 arrows


def found_at_the_middle(n: int) -> list[Group]:
    return [found_in(points(n, 50.0, seed, dx=0.0)) for seed in range(300)]


def test_mean_radius_and_extreme_spread_match_all_pairs() -> None:
    for n in (2, 3, 7, 40):
        given = points(n)
        found = found_in(given)
        mx, my = fmean(p.x for p in given), fmean(p.y for p in given)
        assert found.mean_radius_mm == pytest.approx(fmean(math.hypot(p.x - mx, p.y - my) for p in given))
        pairs = combinations(given, 2)
        widest = max(math.hypot(a.x - b.x, a.y - b.y) for a, b in pairs)
        assert found.extreme_spread_mm == pytest.approx(widest)


def test_arrows_in_one_line_have_an_extreme_spread() -> None:
    assert found_in([FacePoint(float(x), 2.0 * x) for x in range(5)]).extreme_spread_mm == pytest.approx(
        math.hypot(4, 8)
    )
    assert found_in([FacePoint(1.0, 1.0)] * 4).extreme_spread_mm == 0.0


def test_the_sight_moves_only_beyond_two_standard_errors() -> None:
    off = found_in([FacePoint(x + 30.0, float(y)) for x, y in SPOTS])
    assert (off.is_off_x, off.is_off_y) == (True, False)
    correction = sight_correction(off, 70.0)
    assert correction is not None
    assert off.error_mm is not None
    assert correction.right_mm == pytest.approx(30 * 0.85 / 70)  # towards the group
    assert correction.up_mm is None
    assert correction.known_to_mm == pytest.approx(2 * off.error_mm)
    near = sight_correction(found_in([FacePoint(x + 3.0, y - 3.0) for x, y in SPOTS]), 70.0)
    assert near is not None
    assert (near.right_mm, near.up_mm, near.is_centred) == (None, None, False)
    for times, is_centred in ((2, False), (3, True)):  # of 12 and of 18 arrows
        many = sight_correction(found_in([FacePoint(float(x), float(y)) for x, y in SPOTS * times]), 70.0)
        assert many is not None
        assert many.is_centred == is_centred
    assert not correction.is_centred


def test_the_sight_moves_by_the_archers_length() -> None:
    low = found_in([FacePoint(float(x), y - 50.0) for x, y in SPOTS])
    correction = sight_correction(low, 70.0)
    assert correction is not None
    assert correction.up_mm == pytest.approx(-0.607, abs=0.001)  # 50 mm at 70 m with 0.85 m
    longer = sight_correction(low, 70.0, eye_to_sight_m=0.95)
    assert longer is not None
    assert longer.up_mm == pytest.approx(-50 * 0.95 / 70)
    assert longer.eye_to_sight_m == 0.95


def test_a_trend_is_reported_only_beyond_chance() -> None:
    early = [FacePoint(float(x), float(y)) for x, y in SPOTS]
    late = [FacePoint(x * 3.0, y * 3.0 - 80) for x, y in SPOTS]
    trend = found_in(early + late).trend
    assert trend is not None
    assert (trend.dx_mm, trend.dy_mm) == pytest.approx((0, -80))
    before, after = unbiased(early)[0], unbiased(late)[0]
    assert trend.error_mm == pytest.approx(math.sqrt((before**2 + after**2) / 6))
    assert (trend.moved_x, trend.moved_y) == (False, True)
    assert (trend.is_wider, trend.is_tighter) == (True, False)
    tighter = found_in(late + early).trend
    assert tighter is not None
    assert (tighter.is_wider, tighter.is_tighter) == (False, True)
    same = found_in(early + early).trend
    assert same is not None
    assert (same.moved_x, same.moved_y, same.is_wider, same.is_tighter) == (False,) * 4
