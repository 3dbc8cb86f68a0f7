"""Assembles a session again and again, each time only the parts that a change touches.

The session's readings are divided at seals (see :mod:`edge.shots.assembly.seals`). A part is assembled alone; its result
stands until a reading, a gap, a mark, a correction, an arrow or a watermark that concerns it changes. The results of all
parts together are those of :func:`edge.shots.assembly.assemble.assemble` over all readings.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from edge.shots.assembly.assemble import Assembly, assemble
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import START, End, Seal
from edge.shots.assembly.flight import landing_window_s, longest_flight_s
from edge.shots.assembly.model import ReadingKey, TimedReading
from edge.shots.assembly.placement import UNKNOWN_PLACEMENT, Placement
from edge.shots.assembly.seals import reach_s
from edge.shots.assembly.shot import Shot
from edge.shots.assembly.timeline import BlindInterval

T = TypeVar("T", bound=Hashable)


@dataclass(slots=True)
class Part:
    """The readings between two seals, and the shots that they gave last."""

    after: Seal
    readings: list[TimedReading] = field(default_factory=list)
    """In order of time."""
    shots: Sequence[Shot] = ()
    found: Assembly | None = None
    """None: to be assembled again."""
    behind: Mapping[str, float | None] = field(default_factory=dict)
    """Watermarks that shots were decided without; another value may change these shots."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The results of the parts that were assembled again; everything else is as before."""

    shots: Sequence[Shot]
    """All shots of these parts, changed or not, in order of shooting."""
    gone: frozenset[UUID]
    """Former shots of these parts that no longer result."""
    ends: Sequence[End]
    orphans: Sequence[TimedReading]
    readings: frozenset[ReadingKey]
    """All readings of these parts."""
    is_first: bool
    """Nothing was assembled before: these are all parts."""


class IncrementalAssembly:
    """The results of one session, kept up to date at the cost of what changes.

    From one update to the next ``now`` and the watermarks only grow. A change of what concerns the session as a whole, such
    as its devices, its target or its start, assembles all of it again.
    """

    def __init__(self) -> None:
        self._parts = [Part(START)]
        self._context: SessionContext | None = None
        self._at: dict[ReadingKey, float] = {}

    @property
    def is_new(self) -> bool:
        """Whether nothing was assembled yet."""
        return self._context is None

    @property
    def last_size(self) -> int:
        """Number of the readings after the last seal, which each update assembles again."""
        return len(self._parts[-1].readings)

    @property
    def found(self) -> list[Assembly]:
        """The results of the parts, in order of time."""
        return [part.found for part in self._parts if part.found is not None]

    def update(self, readings: Iterable[TimedReading], context: SessionContext) -> Changes:
        """Add readings in any order, and assemble the parts that they or a change of the context touch."""
        former, self._context = self._context, context
        if former is not None:
            self._mark_changes(former, context)
        for reading in readings:
            self._add(reading, context)
        self._join_assigned(context)
        self._parts[-1].found = None
        if context.closes is not None and len(self._parts) > 1:
            # What lands after the closing opens no end: it counts to the last one, which may be the part before.
            self._join(len(self._parts) - 2, len(self._parts) - 1)
        return self._assemble_marked(context, is_first=former is None)

    def _add(self, reading: TimedReading, context: SessionContext) -> None:
        if reading.key in self._at:
            return
        self._at[reading.key] = reading.t
        part = self._parts[self._part_of(reading.t - reach_s(reading, context))]
        insort(part.readings, reading, key=lambda r: (r.t, r.key))
        part.found = None

    def _part_of(self, t: float) -> int:
        """The index of the part that holds an instant; a seal's own instant belongs to the part before it."""
        return max(0, bisect_left(self._parts, t, key=lambda part: part.after.t) - 1)

    def _mark_changes(self, former: SessionContext, context: SessionContext) -> None:
        """Mark the parts that a change of the context touches."""
        first_closing = min(_or_inf(former.closes), _or_inf(context.closes))
        if _as_a_whole(former) != _as_a_whole(context) or (
            former.closes != context.closes and first_closing <= self._parts[-1].after.t
        ):
            self._join(0, len(self._parts) - 1)
            return
        window = max(landing_window_s(context), longest_flight_s(context))
        for since, until in _changed_blindness(former.blind, context.blind):
            self._mark(since - window, until + max(window, context.parameters.engage_timeout_s))
        for since in _changed_placements(former.placements, context.placements):
            self._mark(since, math.inf)
        for mark in _difference(former.end_marks, context.end_marks):
            self._mark(mark, mark)
        if former.arrows is not context.arrows:
            self._mark_arrows({i.hex for i, _ in _difference(former.arrows.items(), context.arrows.items())})
        self._mark_corrections(former, context)
        for part in self._parts:
            if any(context.watermarks.get(device) != t for device, t in part.behind.items()):
                part.found = None

    def _mark_arrows(self, tags: set[str]) -> None:
        if tags:
            for part in self._parts:
                if any(reading.tag in tags for reading in part.readings):
                    part.found = None

    def _mark_corrections(self, former: SessionContext, context: SessionContext) -> None:
        old, new = former.corrections, context.corrections
        if old is new:
            return
        touched = {key for key, _ in _difference(old.results.items(), new.results.items())}
        touched.update(key for pair in _difference(old.owners.items(), new.owners.items()) for key in pair)
        touched |= old.judged_landings ^ new.judged_landings
        for key in touched & self._at.keys():
            self._mark(self._at[key], self._at[key])

    def _join_assigned(self, context: SessionContext) -> None:
        """Keep a landing and the release to which an operator assigned it in one part."""
        for landing, owner in context.corrections.owners.items():
            if landing in self._at and owner in self._at:
                first, last = sorted((self._part_of(self._at[landing]), self._part_of(self._at[owner])))
                if first != last:
                    self._join(first, last)

    def _mark(self, since: float, until: float) -> None:
        """Mark the parts of an interval to be assembled again."""
        for part in self._parts[self._part_of(since) : self._part_of(until) + 1]:
            part.found = None

    def _join(self, first: int, last: int) -> None:
        """Make one part of several, to be assembled again."""
        parts = self._parts[first : last + 1]
        self._parts[first : last + 1] = [
            Part(
                parts[0].after,
                [reading for part in parts for reading in part.readings],
                [shot for part in parts for shot in part.shots],
            )
        ]

    def _assemble_marked(self, context: SessionContext, *, is_first: bool) -> Changes:
        """Assemble every marked part: alone, or where its last seal no longer holds, together with the next one."""
        former: set[UUID] = set()
        fresh: list[Part] = []
        index = 0
        while index < len(self._parts):
            part = self._parts[index]
            if part.found is not None:
                index += 1
                continue
            found = assemble(part.readings, context, part.after)
            following = self._parts[index + 1] if index + 1 < len(self._parts) else None
            if following is not None:
                if not _is_sealed(part, found, following, context):
                    self._join(index, index + 1)
                    continue
                if following.after != found.seals[-1]:
                    following.after, following.found = found.seals[-1], None
            former.update(shot.id for shot in part.shots)
            pieces = _divide(part, found, context, has_tail=following is None)
            self._parts[index : index + 1] = pieces
            fresh += pieces
            index += len(pieces)
        results = [part.found for part in fresh if part.found is not None]
        shots = [shot for found in results for shot in found.shots]
        return Changes(
            shots,
            frozenset(former.difference(shot.id for shot in shots)),
            [end for found in results for end in found.ends],
            [orphan for found in results for orphan in found.orphans],
            frozenset(reading.key for part in fresh for reading in part.readings),
            is_first,
        )


def _is_sealed(part: Part, found: Assembly, following: Part, context: SessionContext) -> bool:
    """Whether a part has nothing to do with the readings after it."""
    if not found.seals or (part.readings and part.readings[-1].t > found.seals[-1].t):
        return False
    return all(reading.t - reach_s(reading, context) > found.seals[-1].t for reading in following.readings)


def _divide(part: Part, found: Assembly, context: SessionContext, *, has_tail: bool) -> list[Part]:
    """The parts into which the seals of a result divide it; with a tail, what follows the last seal is a part too."""
    pieces: list[Part] = []
    after = part.after
    reading = shot = end = 0
    for seal in [*found.seals, *([Seal(math.inf, None)] if has_tail else [])]:
        upto_reading = bisect_right(part.readings, seal.t, key=lambda r: r.t)
        upto_shot = bisect_right(found.times, seal.t)
        upto_end = bisect_right(found.ends, seal.t, key=lambda e: e.opens)
        timed_out = [t for t in found.timed_out if after.t < t <= seal.t]
        piece = Part(
            after,
            part.readings[reading:upto_reading],
            found.shots[shot:upto_shot],
            Assembly(
                found.shots[shot:upto_shot],
                found.times[shot:upto_shot],
                found.ends[end:upto_end],
                [orphan for orphan in found.orphans if after.t < orphan.t <= seal.t],
                [t for t in found.unsettled if after.t < t <= seal.t],
                timed_out,
                found.next_change if seal.t == math.inf else math.inf,
                [],
            ),
            _behind(seal.t, context) if timed_out and seal.t < math.inf else {},
        )
        pieces.append(piece)
        after, reading, shot, end = seal, upto_reading, upto_shot, upto_end
    return pieces


def _behind(t: float, context: SessionContext) -> dict[str, float | None]:
    """The watermarks that do not cover everything up to the landing window of a release at ``t``."""
    covered = t + max(landing_window_s(context), longest_flight_s(context))
    marks = {device: context.watermarks.get(device) for device in context.bows | context.targets}
    return {device: mark for device, mark in marks.items() if mark is None or mark <= covered}


def _as_a_whole(context: SessionContext) -> tuple[object, ...]:
    """The values whose change concerns every part."""
    return (
        context.session_id, context.starts, context.is_indoor, context.end_timeout_s, context.target, context.bows,
        context.targets, context.scanners, context.dead_times_s, context.arrows_per_end, context.assignments,
        context.previous, context.parameters,
        {d: p.origin for d, p in context.placements.items() if p.origin is not UNKNOWN_PLACEMENT.origin},
        context.slots, context.rule_set, context.rule_set_version,
    )  # fmt: skip


def _difference(former: Iterable[T], present: Iterable[T]) -> set[T]:
    """The elements of one of the two alone."""
    return set() if former is present else set(former) ^ set(present)


def _changed_blindness(
    former: Sequence[BlindInterval], present: Sequence[BlindInterval]
) -> Iterator[tuple[float, float]]:
    """Intervals in which one of the two has a device blind and the other may not.

    Of a blind interval that grew only its new part: that of a sensor that chatters all day grows every ten seconds.
    """
    changed = _difference(former, present)
    for one, other in ((former, present), (present, former)) if changed else ():
        known: dict[tuple[str, float], float] = {}
        for gap in other:
            known[gap.device_id, gap.since] = max(gap.until, known.get((gap.device_id, gap.since), -math.inf))
        for gap in changed.intersection(one):
            since = max(gap.since, known.get((gap.device_id, gap.since), -math.inf))
            if since < gap.until:
                yield since, gap.until


def _changed_placements(former: Mapping[str, Placement], present: Mapping[str, Placement]) -> Iterator[float]:
    """The instants from which landings of a target have another calibration."""
    for device, placement in present.items():
        since = placement.changed_since(former.get(device, UNKNOWN_PLACEMENT))
        if since is not None:
            yield since


def _or_inf(t: float | None) -> float:
    return math.inf if t is None else t
