"""The hash stream is reproducible and has the documented distributions."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest

from simulators.world.draws import Draws


def test_equal_names_give_equal_streams() -> None:
    first = [Draws(7, 1, "end", 42).uniform() for _ in range(2)]
    assert first == [0.9776806914582199, 0.9776806914582199]


def test_different_names_give_different_streams() -> None:
    names = [(1, 11), (11, 1), (1, 1, 1), (111,)]
    assert len({Draws(*name).uniform() for name in names}) == len(names)


def test_uniform_and_normal_numbers_have_their_moments() -> None:
    draws = Draws("moments")
    uniform = [draws.uniform(2.0, 4.0) for _ in range(20_000)]
    normal = [draws.normal(3.0) for _ in range(20_000)]
    waits = sorted(draws.lognormal(9.0, 0.35) for _ in range(20_001))
    assert min(uniform) >= 2.0
    assert max(uniform) < 4.0
    assert fmean(uniform) == pytest.approx(3.0, abs=0.02)
    assert fmean(normal) == pytest.approx(0.0, abs=0.08)
    assert pstdev(normal) == pytest.approx(3.0, rel=0.02)
    assert sum(abs(n) > 6.0 for n in normal) / 20_000 == pytest.approx(0.0455, rel=0.15)
    assert waits[10_000] == pytest.approx(9.0, rel=0.02)


def test_pick_returns_distinct_numbers() -> None:
    draws = Draws("picks")
    picks = [draws.pick(6, 12) for _ in range(600)]
    assert all(len(set(p)) == 6 and set(p) <= set(range(12)) for p in picks)
    counts = [sum(n in p for p in picks) for n in range(12)]
    assert min(counts) > 240
    with pytest.raises(ValueError, match="13 different numbers of 12"):
        draws.pick(13, 12)
