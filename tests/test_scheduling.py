"""Order of the tests for several workers."""

from __future__ import annotations

import random

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


def test_long_tests_are_early_and_shared_fixtures_together() -> None:
    tests = [
        *(f"s{n}" for n in range(467)),
        *(f"l{n}" for n in range(15)),
        *(f"h{n}" for n in range(4)),
        *(f"b{n}" for n in range(14)),
    ]
    random.shuffle(tests)
    order = spread(tests, 5, group_of)
    parts = [order[start : start + 100] for start in range(0, 500, 100)]
    firsts = ["hhhh", "bbbbb", "bbbbb", "bbbb", ""]
    for part, first in zip(parts, firsts, strict=True):
        kinds = "".join(test[0] for test in part)
        assert kinds.startswith(first)
        rest = kinds.removeprefix(first)
        assert rest.count("l") == 3
        assert set(rest) == {"s", "l"}
        assert "ll" not in rest
        assert set(rest[66:]) == {"s"}


def test_without_workers_only_shared_fixtures_change_the_order() -> None:
    assert spread(["s1", "b1", "h1", "l1", "s2", "h2"], 1, group_of) == ["h1", "h2", "b1", "s1", "l1", "s2"]
