"""The target's own count of impacts: which impacts it counted and did not report, and when the count started again."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum, auto
from typing import Final

WRAP: Final = 100
"""Firmware 6 counts from 1 to this and starts again with 1."""
NEAR: Final = 10
"""Greatest step over the end of the count that is not taken for a restart."""
KEPT: Final = 100
"""Impacts that are recognised when the target prints them again."""


class Order(Enum):
    """Place of an impact in the count."""

    NEXT = auto()
    REPEATED = auto()
    """Printed again: the same number and position."""
    SKIPPED = auto()
    """Impacts between the last one and this one were counted and not reported."""
    RESTARTED = auto()
    """The count started again: the target restarted, or a client cleared its session."""


class ShotCount:
    """Follows the count of one stream."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._unlocated = 0
        """Impacts since the last one that were noticed without a number."""
        self._known: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def on_shot(self, number: int, x_mm: float, y_mm: float) -> Order:
        """Judge a located impact."""
        if self._known.get(number) == (x_mm, y_mm):
            return Order.REPEATED
        order = self._judge(number)
        if order is Order.RESTARTED:
            self._known.clear()
        self._known.pop(number, None)
        self._known[number] = (x_mm, y_mm)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return order

    def on_miss(self, number: int) -> Order:
        """Judge an announced miss. A repeated one is a restart of the count at worst, because it has no position."""
        return Order.REPEATED if number == self._last else self._judge(number)

    def on_unlocated(self) -> None:
        """Count an impact whose number is not known."""
        self._unlocated += 1

    def _judge(self, number: int) -> Order:
        last, unlocated = self._last, self._unlocated
        self._last, self._unlocated = number, 0
        if last is None:
            return Order.NEXT
        ahead = number - last
        if number < last <= WRAP and ahead + WRAP <= NEAR:
            ahead += WRAP
        if ahead <= 0:
            return Order.RESTARTED
        return Order.NEXT if ahead <= 1 + unlocated else Order.SKIPPED
