"""The group against numbers computed here: middle, spread with its interval, trend."""

from __future__ import annotations

import math
import random
from itertools import combinations
from typing import Any

import pytest

from tests.edge.push.page.fixture_types import Call
from tests.edge.push.page.shots import FACE, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def points(n: int, sigma: float = 60.0, seed: int = 1) -> list[dict[str, float]]:
    chance = random.Random(seed)
    return [{"dx": chance.gauss(20, sigma), "dy": chance.gauss(-35, sigma)} for _ in range(n)]


def unbiased(shots: list[dict[str, float]]) -> tuple[float, float]:
    """Return sigma from squared distances to the mean, with and without the correction for bias."""
    n = len(shots)
    mx, my = sum(p["dx"] for p in shots) / n, sum(p["dy"] for p in shots) / n
    total = sum((p["dx"] - mx) ** 2 + (p["dy"] - my) ** 2 for p in shots)
    s, freedom = math.sqrt(total / (2 * (n - 1))), 2 * (n - 1)
    c4 = math.sqrt(2 / freedom) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    return s / c4, s


def chi_square_below(x: float, freedom: int) -> float:
    """Return the distribution function, by Simpson's rule over the density."""
    steps = 2000
    width = x / steps

    def density(at: float) -> float:
        if at == 0:
            return 0.0 if freedom > 2 else 0.5
        half = freedom / 2
        return math.exp((half - 1) * math.log(at) - at / 2 - half * math.log(2) - math.lgamma(half))

    weighted = [density(i * width) * (1 if i in (0, steps) else 4 if i % 2 else 2) for i in range(steps + 1)]
    return sum(weighted) * width / 3


async def test_a_middle_needs_one_arrow_and_a_spread_six(call: Call) -> None:
    assert await call("model/group.js", "group", []) is None
    for n in (1, 5, 6, 12):
        shots = points(n)
        found = await call("model/group.js", "group", shots)
        assert found["n"] == n
        assert found["dx"] == pytest.approx(sum(p["dx"] for p in shots) / n)
        assert found["dy"] == pytest.approx(sum(p["dy"] for p in shots) / n)
        assert (found["sigma"] is not None) == (n >= 6)
        assert (found["half"] is not None) == (n >= 6)
        assert (found["trend"] is not None) == (n >= 12)


@pytest.mark.parametrize("n", [6, 12, 30, 60, 400])
async def test_sigma_and_its_interval_match_a_computation_here(call: Call, n: int) -> None:
    shots = points(n)
    found = await call("model/group.js", "group", shots)
    sigma, s = unbiased(shots)
    assert found["sigma"]["value"] == pytest.approx(sigma, rel=1e-9)
    assert found["half"] == pytest.approx(1.1774 * sigma, rel=1e-4)
    freedom = 2 * (n - 1)
    for bound, below in (("low", 0.975), ("high", 0.025)):
        chi_square = freedom * (s / found["sigma"][bound]) ** 2
        assert chi_square_below(chi_square, freedom) == pytest.approx(below, abs=1e-6)


@pytest.mark.parametrize(
    ("n", "low", "high"), [(3, 0.60, 2.88), (6, 0.70, 1.75), (12, 0.77, 1.42), (30, 0.85, 1.22), (60, 0.89, 1.15)]
)
async def test_the_interval_matches_published_factors(call: Call, n: int, low: float, high: float) -> None:
    found = await call("model/group.js", "spread", 2.0 * (n - 1), n - 1)  # the sum of squares for s = 1
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.01)


async def test_mean_radius_and_widest_pair(call: Call) -> None:
    shots = points(7)
    found = await call("model/group.js", "group", shots)
    mx, my = sum(p["dx"] for p in shots) / 7, sum(p["dy"] for p in shots) / 7
    assert found["meanRadius"] == pytest.approx(sum(math.hypot(p["dx"] - mx, p["dy"] - my) for p in shots) / 7)
    widest = max(math.hypot(a["dx"] - b["dx"], a["dy"] - b["dy"]) for a, b in combinations(shots, 2))
    assert found["widest"] == pytest.approx(widest)


async def test_the_sight_moves_only_beyond_two_standard_errors(call: Call) -> None:
    spots = [(10, 4), (-10, -4), (4, 10), (-4, -10), (8, -8), (-8, 8)]
    off = await call("model/group.js", "group", [{"dx": x + 30, "dy": y} for x, y in spots])
    assert off["off"] == {"x": True, "y": False}
    near = await call("model/group.js", "group", [{"dx": x + 3, "dy": y - 3} for x, y in spots])
    assert near["off"] == {"x": False, "y": False}


async def test_a_trend_is_reported_only_beyond_chance(call: Call) -> None:
    spots = [(10, 4), (-10, -4), (4, 10), (-4, -10), (8, -8), (-8, 8)]
    early = [{"dx": float(x), "dy": float(y)} for x, y in spots]
    late = [{"dx": x * 3.0, "dy": y * 3.0 - 80} for x, y in spots]
    trend = (await call("model/group.js", "group", early + late))["trend"]
    assert (trend["dx"], trend["dy"]) == pytest.approx((0, -80))
    before, after = unbiased(early)[0], unbiased(late)[0]
    assert trend["error"] == pytest.approx(math.sqrt((before**2 + after**2) / 6))
    assert trend["moved"] == {"x": False, "y": True}
    assert (trend["wider"], trend["narrower"]) == (True, False)
    same = (await call("model/group.js", "group", early + early))["trend"]
    assert same["moved"] == {"x": False, "y": False}
    assert (same["wider"], same["narrower"]) == (False, False)


async def test_counted_arrows_form_the_group_relative_to_their_faces(call: Call) -> None:
    other = FACE | {"id": "B", "x": 200.0, "y": 300.0}
    shots: list[dict[str, Any]] = [
        shot(1, dx=5.0, dy=7.0),
        shot(2, x=190.0, y=310.0, face_id="B"),
        shot(3, 0, x=1100.0, y=640.0, result="off_face", face_id=None),  # relative to the nearest face
        shot(4, dx=None, result="miss"),
        shot(5, dx=1.0, result="not_shot"),
        shot(6, dx=1.0, result="void"),
        shot(7, dx=1.0, sighter=True),
    ]
    found = await call("model/group.js", "located", shots, [FACE, other])
    assert [(one["dx"], one["dy"]) for one in found] == [(5, 7), (-10, 10), (460, 0)]
    assert await call("model/group.js", "located", shots, []) == []
