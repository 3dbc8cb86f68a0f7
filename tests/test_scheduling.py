"""The order of tests for several workers."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.scheduling import Length, spread

LENGTHS: dict[str, Length] = {"s": "short", "l": "long", "t": "together"}


def length(test: str) -> Length:
    return LENGTHS[test[0]]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(("short", "long", "together"), [(400, 20, 10), (7, 30, 0), (0, 3, 9), (3, 0, 0), (0, 0, 0)])
def test_each_test_runs_once(workers: int, short: int, long: int, together: int) -> None:
    tests = [*(f"s{n}" for n in range(short)), *(f"l{n}" for n in range(long)), *(f"t{n}" for n in range(together))]
    random.shuffle(tests)
    assert sorted(spread(tests, workers, length)) == sorted(tests)


def test_long_tests_are_spread_and_early_and_one_worker_has_all_that_belong_together() -> None:
    tests = [*(f"s{n}" for n in range(380)), *(f"l{n}" for n in range(12)), *(f"t{n}" for n in range(8))]
    random.shuffle(tests)
    order = spread(tests, 4, length)
    first, *parts = [order[start : start + 100] for start in range(0, 400, 100)]
    assert [test[0] for test in first] == ["t"] * 8 + ["s"] * 92
    for part in parts:
        assert [test[0] for test in part].count("l") == 4
        assert all(test[0] == "s" for test in part[66:])
        assert not any(one[0] == other[0] == "l" for one, other in pairwise(part))
