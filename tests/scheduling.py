"""Order of the tests. For several workers: long tests run early, and not all at once.

A worker begins with a part of all tests and later takes tests from the end of the other parts. A test of half a minute at
the end of a part would delay the whole run, and long tests side by side start too many processes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeVar, get_args

Group = Literal["short", "long", "hub", "browser"]
SHARED: Final[tuple[Group, ...]] = ("hub", "browser")
"""Groups whose tests share a fixture that takes seconds to set up: a worker with such tests runs them one after the other."""
BROWSERS: Final = 3
"""Most workers that start a browser: its tests on one worker alone would outlast all others together."""

T = TypeVar("T")


def spread(tests: Sequence[T], workers: int, group_of: Callable[[T], Group]) -> list[T]:
    """Return the tests in parts as ``--dist worksteal`` cuts them, long tests spread over the first half of each part.

    The first part begins with the tests of the hub, each of the next ones with a share of those of the browser. The order
    is otherwise kept. Tests of a group in ``SHARED`` follow each other, also without workers.
    """
    groups: dict[Group, list[T]] = {group: [] for group in get_args(Group)}
    for test in tests:
        groups[group_of(test)].append(test)
    if workers < 2:
        shared = [test for group in SHARED for test in groups[group]]
        return [*shared, *(test for test in tests if group_of(test) not in SHARED)]
    short, order = groups["short"], list[T]()
    firsts = _firsts(groups, workers)
    for number, first in enumerate(firsts):
        size = (len(tests) - len(order)) // (workers - number)
        own = groups["long"][number::workers]
        room = max(size - len(first) - len(own), 0)
        others, short = short[:room], short[room:]
        stride = len(others) // (2 * len(own) or 1)
        order += first
        for place, test in enumerate(own):
            order += [test, *others[place * stride : (place + 1) * stride]]
        order += others[len(own) * stride :]
    return order + short


def _firsts(groups: dict[Group, list[T]], workers: int) -> list[list[T]]:
    """Return the tests of shared fixtures that each worker begins with."""
    browsers = min(BROWSERS, workers - 1)
    share = -(-len(groups["browser"]) // browsers)
    parts = [groups["browser"][number * share : (number + 1) * share] for number in range(browsers)]
    return [groups["hub"], *parts, *([] for _ in range(workers - 1 - browsers))]
