"""One walk through a session's readings in the order of time: who let go what, what hit, and where ends were cut."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from edge.shots.bows import Bows
from edge.shots.butt import Butt
from edge.shots.ends import ClosedBy, Cut, IdleTimer
from edge.shots.parameters import Parameters
from edge.shots.placed import Landing, Placed, Release
from edge.shots.sensed import Kind


@dataclass(frozen=True, slots=True)
class Span:
    """The session on its time axis, in nanoseconds, both ends included."""

    since_ns: int
    until_ns: int | None
    end_timeout_ns: int

    def holds(self, ns: int) -> bool:
        """Whether an instant is within."""
        return self.since_ns <= ns and (self.until_ns is None or ns <= self.until_ns)


@dataclass(slots=True)
class Walk:
    """What was found, each list in the order of time."""

    releases: list[Release] = field(default_factory=list)
    landings: list[Landing] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    nocked_until_ns: int | None = None
    """Until when an arrow that is on a string at the end of the walk counts."""


def walk(ordered: Sequence[Placed], marks: Iterable[int], span: Span, now_ns: int, parameters: Parameters) -> Walk:
    """Walk through readings that are in the order of time; ``marks`` are where a person closed an end."""
    walker = _Walker(span, parameters)
    cuts = [(mark, ClosedBy.OPERATOR) for mark in marks if span.holds(mark)]
    if span.until_ns is not None:
        cuts.append((span.until_ns + 1, ClosedBy.SESSION))
    steps: Iterable[tuple[int, Placed | ClosedBy]] = heapq.merge(
        sorted(cuts), ((placed.ns, placed) for placed in ordered), key=lambda step: step[0]
    )
    for ns, step in steps:
        walker.pass_time(ns)
        if isinstance(step, Placed):
            walker.read(step)
        else:
            walker.cut(ns, step)
    walker.pass_time(now_ns)
    walker.found.nocked_until_ns = walker.bows.nocked_until(now_ns)
    return walker.found


class _Walker:
    def __init__(self, span: Span, parameters: Parameters) -> None:
        self.found = Walk()
        self.bows = Bows(parameters)
        self._butt = Butt(parameters)
        self._idle = IdleTimer(span.end_timeout_ns)
        self._span = span
        self._open: list[Release] = []
        """Releases of this end whose arrow has not been seen in the butt, the last one last."""

    def pass_time(self, ns: int) -> None:
        """Close the end that was over before this instant."""
        over = self._idle.over_at(self.bows.nocked_until(ns))
        if over is not None and over <= ns:
            self.cut(over, ClosedBy.TIMEOUT)

    def cut(self, ns: int, by: ClosedBy) -> None:
        """End here what is open."""
        self.found.cuts.append(Cut(ns, by))
        self._idle.closed()
        self._butt.clear()
        self._open.clear()

    def read(self, placed: Placed) -> None:
        """Take the next reading."""
        kind = placed.sensed.kind
        if kind is not Kind.TAGS and self._span.holds(placed.ns):
            self._idle.active(placed.ns)
        if kind is Kind.ENGAGE:
            self._engage(placed)
        elif kind is Kind.RELEASE:
            self._release(placed)
        elif kind is Kind.LANDING:
            self._land(placed)
        else:
            self._list_tags(placed)

    def _engage(self, placed: Placed) -> None:
        nocking = self.bows.engage(placed)
        if nocking is None or nocking.tag is None:
            return
        if self._butt.holds(nocking.tag):
            nocking.wrong_tag = True
            return
        # An arrow in the butt or behind it cannot come back to the string: it was never shot.
        for release in self._open:
            if release.tag == nocking.tag and release.key.device_id == placed.sensed.key.device_id:
                release.let_down = True

    def _release(self, placed: Placed) -> None:
        release = self.bows.release(placed, len(self.found.cuts))
        if release is not None:
            release.ours = self._span.holds(placed.ns)
            self.found.releases.append(release)
            self._open.append(release)

    def _land(self, placed: Placed) -> None:
        landing = self._butt.land(placed, len(self.found.cuts))
        if landing is not None:
            self.found.landings.append(landing)
            self._open = [release for release in self._open if landing.tag is None or release.tag != landing.tag]

    def _list_tags(self, placed: Placed) -> None:
        inventory = self._butt.list_tags(placed)
        for release in self._open:
            release.passed_through |= release.tag in inventory.appeared
        if inventory.emptied:
            self.cut(placed.ns, ClosedBy.TAGS)
