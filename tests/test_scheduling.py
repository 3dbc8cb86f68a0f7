"""The order of tests for several workers."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.scheduling import Length, spread

LENGTHS: dict[str, Length] = {"s": "short", "l": "long", "t": "together"}


def length(test: str) -> Length:
    return LENGTHS[test[0]]


@pytest.mark.parametrize(("short", "long", "together"), [(400, 20, 10), (7, 30, 0), (0, 3, 9), (3, 0, 0), (0, 0, 0)])
def test_each_test_runs_once(short: int, long: int, together: int) -> None:
    tests = [*(f"s{n}" for n in range(short)), *(f"l{n}" for n in range(long)), *(f"t{n}" for n in range(together))]
    random.shuffle(tests)
    assert sorted(spread(tests, 4, length)) == sorted(tests)


def test_no_part_has_a_long_test_in_its_last_third_and_one_has_all_that_belong_together() -> None:
    tests = [*(f"s{n}" for n in range(380)), *(f"l{n}" for n in range(12)), *(f"t{n}" for n in range(8))]
    random.shuffle(tests)
    order = spread(tests, 4, length)
    parts = [order[start : start + 100] for start in range(0, 400, 100)]
    assert [test[0] for test in parts[0][:8]] == ["t"] * 8
    for part in parts:
        assert [test[0] for test in part].count("l") == 3
        assert all(test[0] == "s" for test in part[66:])
        assert not any(one[0] == other[0] == "l" for one, other in pairwise(part))
