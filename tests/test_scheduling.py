"""Order of the tests for several workers."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.scheduling import Group, spread

GROUPS: dict[str, Group] = {"s": "short", "l": "long", "h": "hub", "b": "browser"}


def group_of(test: str) -> Group:
    return GROUPS[test[0]]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(("short", "long", "shared"), [(400, 20, 10), (7, 30, 0), (0, 3, 9), (3, 0, 0), (0, 0, 0)])
def test_each_test_runs_once(workers: int, short: int, long: int, shared: int) -> None:
    tests = [*(f"s{n}" for n in range(short)), *(f"l{n}" for n in range(long))]
    tests += [f"{group}{n}" for n in range(shared) for group in "bh"]
    random.shuffle(tests)
    assert sorted(spread(tests, workers, group_of)) == sorted(tests)


def test_long_tests_come_early_and_shared_fixtures_on_one_worker() -> None:
    tests = [
        *(f"s{n}" for n in range(380)),
        *(f"l{n}" for n in range(12)),
        *(f"{group}{n}" for n in range(4) for group in "hb"),
    ]
    random.shuffle(tests)
    order = spread(tests, 4, group_of)
    first, *parts = [order[start : start + 100] for start in range(0, 400, 100)]
    assert [test[0] for test in first] == ["h"] * 4 + ["b"] * 4 + ["s"] * 92
    for part in parts:
        assert [test[0] for test in part].count("l") == 4
        assert all(test[0] == "s" for test in part[66:])
        assert not any(one[0] == other[0] == "l" for one, other in pairwise(part))


def test_without_workers_only_shared_fixtures_change_the_order() -> None:
    assert spread(["s1", "b1", "h1", "l1", "s2", "h2"], 1, group_of) == ["h1", "h2", "b1", "s1", "l1", "s2"]
