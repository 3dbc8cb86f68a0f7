"""Debounce of a switch: the first edge of a burst dates the change, and the quiet after the burst decides it. Pure.

A contact bounces for milliseconds whenever it opens or closes. The first edge is the instant of the change; the direction of
the last one is right, because the kernel reads the level after it, when the contact is at rest. The direction of an earlier
one may be wrong: a pulse that is shorter than the kernel's interrupt thread needs gives two edges of the same direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_BURSTS: Final = 10
"""Length of a burst, in settle times, after which it is divided: a loose contact may never be quiet."""


@dataclass(frozen=True, slots=True)
class Change:
    """The switch changed its state."""

    engaged: bool
    """The new state."""
    at_ns: int
    """CLOCK_MONOTONIC of the first edge; without it the middle of the interval in which the change happened."""
    half_width_ns: int = 0
    """Half the length of that interval; 0 for a change whose first edge was seen."""


@dataclass(slots=True)
class DebounceCounters:
    """Counts of a switch."""

    bursts: int = 0
    glitches: int = 0
    """Bursts that left the state as it was."""
    same_direction: int = 0
    """Edges with the direction of the edge before."""
    missed: int = 0
    """Edges that were lost on their way."""
    by_level: int = 0
    """Changes without a first edge, seen by the level."""
    divided: int = 0
    """Bursts that lasted too long."""


class Debounce:
    """One switch. Instants are CLOCK_MONOTONIC in nanoseconds; edges come in order of time."""

    def __init__(self, settle_ns: int, engaged: bool, at_ns: int) -> None:
        """A switch that is in the state ``engaged`` at ``at_ns`` and settles after ``settle_ns`` without an edge."""
        self.engaged = engaged
        self.counters = DebounceCounters()
        self._settle_ns = settle_ns
        self._sure_ns = at_ns
        """Last instant at which the state is known to have been ``engaged``."""
        self._last_level = engaged
        self._last_ns = at_ns
        self._first_ns: int | None = None
        """First edge of the present burst."""
        self._after_ns: int | None = None
        """Beginning of the interval that holds the first edge of the burst, where that one is lost."""
        self._is_doubtful = False
        """Edges of the burst were lost: a look at the level decides it."""
        self._disagrees_ns: int | None = None
        """The first look that showed the other state, without an edge."""

    @property
    def due_ns(self) -> int | None:
        """The instant at which a burst is over, unless another edge comes; None without a burst."""
        return None if self._first_ns is None else self._last_ns + self._settle_ns

    @property
    def look_due_ns(self) -> int | None:
        """The instant from which a look at the level is wanted: edges were lost, or a look showed another state."""
        if self._is_doubtful:
            return self.due_ns
        return None if self._disagrees_ns is None else self._disagrees_ns + self._settle_ns

    @property
    def open_since_ns(self) -> int | None:
        """The earliest instant of a change that is not decided yet; None when all are."""
        if self._first_ns is None:
            return None if self._disagrees_ns is None else self._sure_ns
        return self._first_ns if self._after_ns is None else self._after_ns

    def on_edge(self, at_ns: int, level: bool, missed: int = 0) -> Change | None:
        """Take an edge with the level after it, and the number of edges that were lost before it.

        Returns the change of the burst before, if this edge shows that it is over.
        """
        ended = None
        if self._first_ns is not None and at_ns >= self._last_ns + self._settle_ns:
            ended = self._end(self._last_level, self._last_ns)
        elif self._first_ns is not None and at_ns - self._first_ns > LONGEST_BURSTS * self._settle_ns:
            self.counters.divided += 1
            ended = self._end(self._last_level, self._last_ns)
        self.counters.missed += missed
        self.counters.same_direction += level is self._last_level and not missed
        self._disagrees_ns = None
        if self._first_ns is None:
            self._first_ns = at_ns
            self._after_ns = self._sure_ns if missed else None
        self._is_doubtful = self._is_doubtful or missed > 0
        self._last_ns, self._last_level = at_ns, level
        return ended

    def on_time(self, now_ns: int) -> Change | None:
        """The change of a burst that is over at ``now_ns``: every edge up to then was taken.

        Where edges were lost, the burst waits for :meth:`on_look`.
        """
        due_ns = self.due_ns
        if due_ns is None or self._is_doubtful or now_ns < due_ns:
            return None
        return self._end(self._last_level, self._last_ns)

    def on_look(self, at_ns: int, level: bool) -> Change | None:
        """Take a look at the level at ``at_ns``, after every edge that arrived before.

        Two looks, a settle time apart and without an edge between them, outweigh the edges: some were lost unseen.
        """
        if at_ns < self._last_ns + self._settle_ns:
            return None  # the contact may still bounce
        if self._first_ns is not None:
            return self._end(level if self._is_doubtful else self._last_level, self._last_ns)
        if level is self.engaged:
            self._sure_ns, self._disagrees_ns = max(self._sure_ns, at_ns), None
            return None
        if self._disagrees_ns is None:
            self._disagrees_ns = at_ns
            return None
        if at_ns < self._disagrees_ns + self._settle_ns:
            return None
        self._first_ns, self._after_ns = self._disagrees_ns, self._sure_ns
        return self._end(level, at_ns)

    def _end(self, level: bool, sure_ns: int) -> Change | None:
        """End the burst with the switch at ``level``."""
        first_ns, after_ns = self._first_ns, self._after_ns
        self._first_ns = self._after_ns = self._disagrees_ns = None
        self._is_doubtful = False
        self._sure_ns, self._last_level = max(self._sure_ns, sure_ns), level
        self.counters.bursts += 1
        if level is self.engaged or first_ns is None:
            self.counters.glitches += 1
            return None
        self.engaged = level
        if after_ns is None:
            return Change(level, first_ns)
        self.counters.by_level += 1
        half_ns = (first_ns - after_ns) // 2
        return Change(level, first_ns - half_ns, half_ns)
