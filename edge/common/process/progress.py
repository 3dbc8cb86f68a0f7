"""Which loops of a process still go on. Pure: a count goes up where work is done, and time comes in.

A watchdog that is fed by a timer proves that the timer runs. One that is fed by this proves that the work does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tick = Callable[[], None]
"""Called by a loop each time it comes round, also when there was nothing to do."""

LONGEST_STEP_S = 5.0
"""Of the time between two looks no more than this is counted: a process that was stopped is not one that hung."""


def no_tick() -> None:
    """The tick of a loop without supervision."""


@dataclass(slots=True)
class _Loop:
    deadline_s: float
    count: int = 0
    seen: int = 0
    idle_s: float = 0.0

    def tick(self) -> None:
        self.count += 1


class Progress:
    """The loops of one process, each with the longest time it may take to come round."""

    def __init__(self) -> None:
        self._loops: dict[str, _Loop] = {}
        self._looked_at: float | None = None

    def loop(self, name: str, deadline_s: float) -> Tick:
        """Watch a loop from now on; it calls the result each time it comes round, at least every ``deadline_s``."""
        if name in self._loops:
            raise ValueError(f"there is a loop {name!r} already")
        loop = self._loops[name] = _Loop(deadline_s)
        return loop.tick

    def hung(self, now: float) -> list[str]:
        """The loops that did not come round in their time. ``now`` in seconds of any clock that never goes back."""
        step = 0.0 if self._looked_at is None else min(now - self._looked_at, LONGEST_STEP_S)
        self._looked_at = now
        for loop in self._loops.values():
            loop.idle_s = 0.0 if loop.count != loop.seen else loop.idle_s + step
            loop.seen = loop.count
        return [name for name, loop in self._loops.items() if loop.idle_s > loop.deadline_s]
