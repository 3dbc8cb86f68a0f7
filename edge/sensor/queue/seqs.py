"""A set of sequence numbers, kept as runs: a month without a hole takes as little room as one event."""

from __future__ import annotations

from bisect import bisect_right


class SeqRuns:
    """Which of 1, 2, 3 ... are there."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    @property
    def whole(self) -> int:
        """Every number up to this one is there; 0 when 1 is missing."""
        return self.whole_past(0)

    def whole_past(self, given_up: int) -> int:
        """Every number up to this one is there, but for those up to ``given_up``, which is the least that is returned."""
        place = bisect_right(self._firsts, given_up + 1) - 1
        return max(given_up, self._lasts[place]) if place >= 0 else given_up

    def __contains__(self, seq: int) -> bool:
        place = bisect_right(self._firsts, seq) - 1
        return place >= 0 and seq <= self._lasts[place]

    def add(self, first: int, last: int | None = None) -> None:
        """Add a number, or all from ``first`` to ``last``."""
        last = first if last is None else last
        firsts, lasts = self._firsts, self._lasts
        begin = bisect_right(firsts, first)
        if begin and lasts[begin - 1] >= first - 1:  # it touches the run before
            begin -= 1
            first = firsts[begin]
        end = bisect_right(firsts, last + 1)
        if end > begin:
            last = max(last, lasts[end - 1])
        firsts[begin:end], lasts[begin:end] = [first], [last]
