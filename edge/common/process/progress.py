"""Progress of a process's loops: finds the ones that hang. Pure: ticks and time in, names out.

A watchdog that is fed by a timer proves that the timer runs. One that is fed by progress proves that the work runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tick = Callable[[], None]
"""Called by a loop in each round, also when there was nothing to do."""

LONGEST_STEP_S = 5.0
"""Longest time counted between two checks: a process that was stopped did not hang."""


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
    """The loops of one process, each with the longest time that one round may take."""

    def __init__(self) -> None:
        self._loops: dict[str, _Loop] = {}
        self._looked_at: float | None = None

    def loop(self, name: str, deadline_s: float) -> Tick:
        """Watch a loop from now on. It calls the result in each round, at least every ``deadline_s``."""
        if name in self._loops:
            raise ValueError(f"loop {name!r} exists already")
        loop = self._loops[name] = _Loop(deadline_s)
        return loop.tick

    def hung(self, now: float) -> list[str]:
        """The loops whose round takes longer than their deadline. ``now``: seconds of any clock that never goes back."""
        step = 0.0 if self._looked_at is None else min(now - self._looked_at, LONGEST_STEP_S)
        self._looked_at = now
        for loop in self._loops.values():
            loop.idle_s = 0.0 if loop.count != loop.seen else loop.idle_s + step
            loop.seen = loop.count
        return [name for name, loop in self._loops.items() if loop.idle_s > loop.deadline_s]
