"""The ends of a session, and the arrows that are in the butt meanwhile."""

from __future__ import annotations

import math
from bisect import bisect_right
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


def find_ends(readings: Sequence[TimedReading], context: SessionContext) -> tuple[list[End], list[TagPresence]]:
    """The session's ends in order, and the presences of arrows in the butt; ``readings`` in order of time."""
    finder = _EndFinder(context)
    return finder.run(readings), finder.butt.presences


def end_at(ends: Sequence[End], t: float) -> int | None:
    """The number of the end that holds an instant; between two ends the earlier one."""
    index = bisect_right(ends, t, key=lambda end: end.opens)
    return ends[index - 1].number if index else None


def closing_of(ends: Sequence[End], t: float) -> float:
    """The closing of the end that holds an instant; infinity while the end is open."""
    number = end_at(ends, t)
    closes = ends[number - 1].closes if number is not None else None
    return math.inf if closes is None else closes


class _EndFinder:
    """Finds the ends in one pass over the readings."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._ends: list[End] = []
        self._opens: float | None = None
        self._last = 0.0
        self._nocked: dict[str, float] = {}
        self.butt = Butt(context.parameters.bounce_s, context.parameters.duplicate_landing_s)
        self._marks = sorted(context.end_marks)

    def run(self, readings: Sequence[TimedReading]) -> list[End]:
        context = self._context
        for reading in readings:
            if not context.starts <= reading.t:
                continue
            if context.closes is not None and reading.t > context.closes:
                break
            self._advance(reading.t)
            self._take(reading)
        self._advance(context.now if context.closes is None else min(context.now, context.closes))
        if self._opens is not None:
            closure = EndClosure.SESSION if context.closes is not None else None
            self._ends.append(End(len(self._ends) + 1, self._opens, context.closes, closure))
        return self._ends

    def _take(self, reading: TimedReading) -> None:
        kind = reading.kind
        if kind is ReadingKind.TAGS:
            if self.butt.add_inventory(reading):
                self._close(reading.t, EndClosure.TAGS)
            return
        if kind not in (ReadingKind.ENGAGE, ReadingKind.RELEASE, ReadingKind.LANDING):
            return
        if self._context.belongs_to_previous(reading):
            if kind is ReadingKind.LANDING:
                self.butt.add_landing(reading)
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
            self.butt.add_landing(reading)

    def _advance(self, t: float) -> None:
        """Close the ends that a mark or the time-out closes up to ``t``."""
        while self._marks and self._marks[0] <= t:
            mark = self._marks.pop(0)
            self._time_out(mark)
            self._close(mark, EndClosure.OPERATOR)
        self._time_out(t)

    def _time_out(self, t: float) -> None:
        if self._opens is None:
            return
        timeout_s = self._context.parameters.engage_timeout_s
        self._nocked = {bow: since for bow, since in self._nocked.items() if t - since <= timeout_s}
        if not self._nocked and t - self._last >= self._context.end_timeout_s:
            self._close(self._last + self._context.end_timeout_s, EndClosure.TIMEOUT)

    def _close(self, t: float, by: EndClosure) -> None:
        if self._opens is not None:
            self._ends.append(End(len(self._ends) + 1, self._opens, t, by))
        self._opens = None
        self.butt.empty(t)
