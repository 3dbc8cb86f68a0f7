"""Order of the tests. For several workers: long tests run early, and not all at once.

A worker begins with a part of all tests and later takes tests from the end of the other parts. A test of half a minute at
the end of a part would delay the whole run, and long tests side by side start too many processes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeVar, get_args

Group = Literal["short", "long", "hub", "browser"]
SHARED: Final[tuple[Group, ...]] = ("hub", "browser")
"""Groups whose tests share a fixture that takes seconds to set up: one worker runs them all, a group after the other."""

T = TypeVar("T")


def spread(tests: Sequence[T], workers: int, group_of: Callable[[T], Group]) -> list[T]:
    """Return the tests in parts as ``--dist worksteal`` cuts them, long tests spread over the first half of each part.

    The order is otherwise kept. Tests of a group in ``SHARED`` follow each other, also without workers.
    """
    groups: dict[Group, list[T]] = {group: [] for group in get_args(Group)}
    for test in tests:
        groups[group_of(test)].append(test)
    shared = [test for group in SHARED for test in groups[group]]
    if workers < 2:
        return [*shared, *(test for test in tests if group_of(test) not in SHARED)]
    short, order = groups["short"], list[T]()
    workers_with_long = workers - bool(shared)  # the one worker of the shared fixtures has enough to do
    for number in range(workers):
        size = (len(tests) - len(order)) // (workers - number)
        first = shared if number == 0 else []
        own = [] if first else groups["long"][number % workers_with_long :: workers_with_long]
        room = max(size - len(first) - len(own), 0)
        others, short = short[:room], short[room:]
        stride = len(others) // (2 * len(own) or 1)
        order += first
        for place, test in enumerate(own):
            order += [test, *others[place * stride : (place + 1) * stride]]
        order += others[len(own) * stride :]
    return order + short
