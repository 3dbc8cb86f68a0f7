"""Where one end stops and the next begins. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edge.shots.assembly.butt import Butt, TagPresence
from edge.shots.assembly.model import SessionContext, TimedReading

ClosedBy = Literal["tags", "operator", "timeout", "session"]


@dataclass(frozen=True, slots=True)
class End:
    """One end: the arrows of one walk to the target. Instants on the axis."""

    number: int
    opens: float
    closes: float | None
    closed_by: ClosedBy | None


def find_ends(readings: Sequence[TimedReading], context: SessionContext) -> tuple[list[End], list[TagPresence]]:
    """The session's ends in order, and which arrows were in the butt when; from its readings in order of time."""
    finder = _EndFinder(context)
    return finder.run(readings), finder.butt.stays


def end_at(ends: Sequence[End], t: float) -> int | None:
    """The number of the end that an instant belongs to; the one before it when it lies between two."""
    place = bisect_right(ends, t, key=lambda end: end.opens)
    return ends[place - 1].number if place else None


def closing_of(ends: Sequence[End], t: float) -> float:
    """When the end that an instant belongs to closes; infinity while it is open."""
    number = end_at(ends, t)
    closes = ends[number - 1].closes if number is not None else None
    return math.inf if closes is None else closes


class _EndFinder:
    """Walks over the readings once."""

    def __init__(self, context: SessionContext) -> None:
        self._scene = context
        self._ends: list[End] = []
        self._opens: float | None = None
        self._last = 0.0
        self._nocked: dict[str, float] = {}
        self.butt = Butt(context.parameters.bounce_s, context.parameters.duplicate_landing_s)
        self._marks = sorted(context.end_marks)

    def run(self, readings: Sequence[TimedReading]) -> list[End]:
        for reading in readings:
            if not self._scene.starts <= reading.t:
                continue
            if self._scene.closes is not None and reading.t > self._scene.closes:
                break
            self._pass_time(reading.t)
            self._take(reading)
        self._pass_time(self._scene.now if self._scene.closes is None else min(self._scene.now, self._scene.closes))
        if self._opens is not None:
            closes = self._scene.closes
            self._ends.append(End(len(self._ends) + 1, self._opens, closes, "session" if closes is not None else None))
        return self._ends

    def _take(self, reading: TimedReading) -> None:
        kind = reading.kind
        if kind == "tags":
            if self.butt.look(reading):
                self._close(reading.t, "tags")
            return
        if kind not in ("engage", "release", "landing"):
            return
        if self._scene.is_of_before(reading):
            if kind == "landing":
                self.butt.land(reading)
            return
        if self._opens is None:
            self._opens = reading.t
        self._last = reading.t
        bow = reading.key.device_id
        if kind == "engage":
            self._nocked[bow] = reading.t
        elif kind == "release":
            self._nocked.pop(bow, None)
        else:
            self.butt.land(reading)

    def _pass_time(self, t: float) -> None:
        """Close what a mark or a time-out closes up to ``t``."""
        while self._marks and self._marks[0] <= t:
            mark = self._marks.pop(0)
            self._time_out(mark)
            self._close(mark, "operator")
        self._time_out(t)

    def _time_out(self, t: float) -> None:
        if self._opens is None:
            return
        patience = self._scene.parameters.engage_timeout_s
        self._nocked = {bow: since for bow, since in self._nocked.items() if t - since <= patience}
        if not self._nocked and t - self._last >= self._scene.end_timeout_s:
            self._close(self._last + self._scene.end_timeout_s, "timeout")

    def _close(self, t: float, by: ClosedBy) -> None:
        if self._opens is not None:
            self._ends.append(End(len(self._ends) + 1, self._opens, t, by))
        self._opens = None
        self.butt.empty(t)
