"""In which order tests run when several workers share them: the long ones not last, and not all at once.

A worker begins with a part of all tests and later takes from others what they have not begun, from the end. So a test of
half a minute at the end of a part is what everybody waits for in the end; long ones side by side start so many processes
at once that none is as quick as it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

Length = Literal["short", "long", "together"]
"""Tests that are told ``together`` share something that takes longer to set up than they take: one worker has them all."""

T = TypeVar("T")


def spread(tests: Sequence[T], workers: int, length: Callable[[T], Length]) -> list[T]:
    """The same tests in parts as ``--dist worksteal`` makes them, each with its share of long ones spread over its first half.

    Otherwise the order stays as it was.
    """
    if workers < 2:
        return list(tests)
    of: dict[Length, list[T]] = {"short": [], "long": [], "together": []}
    for test in tests:
        of[length(test)].append(test)
    short, order = of["short"], list[T]()
    having_long = workers - bool(of["together"])  # not the worker that has what belongs together: that is long as well
    for number in range(workers):
        size = (len(tests) - len(order)) // (workers - number)
        first = of["together"] if number == 0 else []
        own = [] if first else of["long"][number % having_long :: having_long]
        room = max(size - len(first) - len(own), 0)
        others, short = short[:room], short[room:]
        stride = len(others) // (2 * len(own) or 1)
        order += first
        for place, test in enumerate(own):
            order += [test, *others[place * stride : (place + 1) * stride]]
        order += others[len(own) * stride :]
    return order + short
