"""The ends of a session, and the arrows that are in the butt meanwhile."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge.common.vocabulary import EndClosure, ReadingKind
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import ReadingKey, TimedReading


@dataclass(slots=True)
class TagPresence:
    """One arrow's time in the butt. Instants on the axis."""

    device_id: str
    tag: str
    since: float
    landing: ReadingKey | None
    """The landing that it began with; None when the target's reader only found the tag."""
    until: float | None = None
    bounced: bool = False
    """The tag disappeared alone and right after its landing: the arrow fell out."""


class Butt:
    """Follows the tags in a lane's targets, in order of time."""

    def __init__(self, bounce_s: float, repeat_s: float) -> None:
        self._bounce_s = bounce_s
        self._repeat_s = repeat_s
        self._present: dict[tuple[str, str], TagPresence] = {}
        self.presences: list[TagPresence] = []

    def add_landing(self, landing: TimedReading) -> None:
        """Begin the presence of an arrow that landed.

        An arrow of the same tag that is still counted as present was pulled unseen, unless this is a repeated reading.
        """
        if landing.tag is None:
            return
        earlier = self._present.get((landing.key.device_id, landing.tag))
        if earlier is not None:
            if earlier.landing is not None and landing.t - earlier.since <= self._repeat_s:
                return
            earlier.until = landing.t
        self._begin(landing.key.device_id, landing.tag, landing.t, landing.key)

    def add_inventory(self, inventory: TimedReading) -> bool:
        """Take a target's complete list of tags; returns whether it shows that the lane's butts were emptied."""
        device, t, tags = inventory.key.device_id, inventory.t, set(inventory.tags or ())
        gone = [p for (target, tag), p in self._present.items() if target == device and tag not in tags]
        for presence in gone:
            presence.until = t
            del self._present[device, presence.tag]
        if len(gone) == 1 and gone[0].landing is not None and t - gone[0].since <= self._bounce_s:
            gone[0].bounced = True
        for tag in sorted(tags):
            if (device, tag) not in self._present:
                self._begin(device, tag, t, None)
        return bool(gone) and not self._present and not any(presence.bounced for presence in gone)

    def empty(self, t: float) -> None:
        """End every presence: the arrows were pulled."""
        for presence in self._present.values():
            presence.until = t
        self._present.clear()

    def _begin(self, device: str, tag: str, t: float, landing: ReadingKey | None) -> None:
        presence = TagPresence(device, tag, t, landing)
        self._present[device, tag] = presence
        self.presences.append(presence)


@dataclass(frozen=True, slots=True)
class End:
    """One end: the arrows of one walk to the target. Instants on the axis."""

    number: int
    opens: float
    closes: float | None
    closed_by: EndClosure | None


@dataclass(frozen=True, slots=True)
class Seal:
    """An instant that no shot spans: everything before it is final, and readings after it change nothing before it."""

    t: float
    end: End | None
    """The last end before it."""


START = Seal(-math.inf, None)
"""Before the first reading."""


@dataclass(frozen=True, slots=True)
class ClosedEnd:
    """An end that closed before the session did, and what was left over at its closing."""

    end: End
    position: int
    """Number of the readings before the closing, in order of time."""
    decided: float
    """Instant up to which a further reading or mark would have changed the closing."""
    has_nocked: bool
    """An arrow was on a string across the closing."""


@dataclass(frozen=True, slots=True)
class FoundEnds:
    """The ends of some readings, and the presences of arrows in the butt."""

    ends: Sequence[End]
    """In order; the end before the readings comes first, if there is one."""
    closed: Sequence[ClosedEnd]
    presences: Sequence[TagPresence]
    next_change: float
    """Instant at which time alone may close the open end; infinity without one."""


def find_ends(readings: Sequence[TimedReading], context: SessionContext, after: Seal = START) -> FoundEnds:
    """The ends of readings after a seal; ``readings`` in order of time."""
    return _EndFinder(context, after).run(readings)


def end_at(ends: Sequence[End], t: float) -> int | None:
    """The number of the end that holds an instant; between two ends the earlier one."""
    index = bisect_right(ends, t, key=lambda end: end.opens)
    return ends[index - 1].number if index else None


def closing_of(ends: Sequence[End], t: float) -> float:
    """The closing of the end that holds an instant; infinity while the end is open.

    Instants before the first end count to it: what is shot there depends on nothing after its closing.
    """
    index = bisect_right(ends, t, key=lambda end: end.opens)
    closes = ends[max(0, index - 1)].closes if ends else None
    return math.inf if closes is None else closes


def opening_of(ends: Sequence[End], t: float) -> float:
    """The opening of the end that holds an instant; minus infinity before the first end."""
    index = bisect_right(ends, t, key=lambda end: end.opens)
    return ends[index - 1].opens if index else -math.inf


def closing_before(ends: Sequence[End], t: float) -> float:
    """The closing of the end before the one that holds an instant; minus infinity without one."""
    index = bisect_right(ends, t, key=lambda end: end.opens)
    closes = ends[index - 2].closes if index > 1 else None
    return -math.inf if closes is None else closes


class _EndFinder:
    """Finds the ends in one pass over the readings."""

    def __init__(self, context: SessionContext, after: Seal) -> None:
        self._context = context
        self._ends: list[End] = [] if after.end is None else [after.end]
        self._number = 0 if after.end is None else after.end.number
        self._closed: list[ClosedEnd] = []
        self._position = 0
        self._opens: float | None = None
        self._last = 0.0
        self._nocked: dict[str, float] = {}
        self._nocked_until = -math.inf
        """Engage time-out of the last nocked arrow that was never released."""
        self._butt = Butt(context.parameters.bounce_s, context.parameters.duplicate_landing_s)
        marks = sorted(context.end_marks)
        self._marks = deque(marks[bisect_right(marks, after.t) :])

    def run(self, readings: Sequence[TimedReading]) -> FoundEnds:
        context = self._context
        for reading in readings:
            if context.closes is not None and reading.t > context.closes:
                break
            if context.starts <= reading.t:
                self._advance(reading.t)
                self._take(reading)
            self._position += 1
        self._advance(context.now if context.closes is None else min(context.now, context.closes))
        next_change = self._next_change()
        if self._opens is not None:
            closure = EndClosure.SESSION if context.closes is not None else None
            self._ends.append(End(self._number + 1, self._opens, context.closes, closure))
        return FoundEnds(self._ends, self._closed, self._butt.presences, next_change)

    def _next_change(self) -> float:
        if self._opens is None or self._context.closes is not None:
            return math.inf
        quiet = self._last + self._context.end_timeout_s
        if self._nocked:
            quiet = max(quiet, max(self._nocked.values()) + self._context.parameters.engage_timeout_s)
        return min([quiet, *self._marks])

    def _take(self, reading: TimedReading) -> None:
        kind = reading.kind
        if kind is ReadingKind.TAGS:
            if self._butt.add_inventory(reading):
                self._close(reading.t, EndClosure.TAGS, self._position + 1)
            return
        if kind not in (ReadingKind.ENGAGE, ReadingKind.RELEASE, ReadingKind.LANDING):
            return
        if self._context.belongs_to_previous(reading):
            if kind is ReadingKind.LANDING:
                self._butt.add_landing(reading)
            return
        if self._opens is None:
            self._opens = reading.t
        self._last = reading.t
        bow = reading.key.device_id
        if kind is ReadingKind.ENGAGE:
            self._nocked[bow] = reading.t
        elif kind is ReadingKind.RELEASE:
            self._nocked.pop(bow, None)
        else:
            self._butt.add_landing(reading)

    def _advance(self, t: float) -> None:
        """Close the ends that a mark or the time-out closes up to ``t``."""
        while self._marks and self._marks[0] <= t:
            mark = self._marks.popleft()
            self._time_out(mark)
            self._close(mark, EndClosure.OPERATOR)
        self._time_out(t)

    def _time_out(self, t: float) -> None:
        if self._opens is None:
            return
        timeout_s = self._context.parameters.engage_timeout_s
        for bow, since in [*self._nocked.items()]:
            if t - since > timeout_s:
                self._nocked_until = max(self._nocked_until, since + timeout_s)
                del self._nocked[bow]
        if not self._nocked and t - self._last >= self._context.end_timeout_s:
            self._close(self._last + self._context.end_timeout_s, EndClosure.TIMEOUT)

    def _close(self, t: float, by: EndClosure, position: int | None = None) -> None:
        if self._opens is not None:
            self._number += 1
            end = End(self._number, self._opens, t, by)
            self._ends.append(end)
            decided = max(t, self._nocked_until)
            position = self._position if position is None else position
            self._closed.append(ClosedEnd(end, position, decided, has_nocked=bool(self._nocked)))
        self._opens = None
        self._butt.empty(t)
