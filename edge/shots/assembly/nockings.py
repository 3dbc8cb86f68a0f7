"""Arrows that bows report: nocked, released, and their tags, which a reader may take from another arrow.

A bow without a tag reader nocks the arrow that a reader on the lane saw last. A scan counts until the next nocking on the lane,
which uses it up, whether it takes the scanned arrow or has a tag of its own; a release whose nocking was not sensed shows that
there was one. A scan alone makes no shot.

Each release becomes a draft of a shot, which the later steps of assembly complete.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from edge.common.vocabulary import Assignment, Flag, ReadingKind, ReleaseCause
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import TagPresence
from edge.shots.assembly.model import TimedReading


@dataclass(slots=True)
class Draft:
    """A shot in the making, from a release or from a landing without one."""

    release: TimedReading | None
    engage: TimedReading | None = None
    scan: TimedReading | None = None
    """The scan that its nocking used up."""
    landing: TimedReading | None = None
    assignment: Assignment | None = None
    let_down: bool = False
    late: bool = False
    doubted: bool = False
    """The bow's tag may belong to another arrow: two bows read it, or the arrow is known to be elsewhere."""
    bounced: bool = False
    miss_doubts: set[Flag] = field(default_factory=set)
    """Reasons why a release without a landing is not certainly a miss."""
    flags: set[Flag] = field(default_factory=set)
    awaits_bow: bool = False
    """A landing may be its own, or that of a release which a bow has not reported yet."""

    @property
    def first(self) -> TimedReading:
        """The reading that gives the shot its id. Raises ValueError for a draft without any."""
        first = self.release or self.landing
        if first is None:
            raise ValueError("a shot is made of a release or a landing")
        return first

    @property
    def tag(self) -> str | None:
        """The tag of the arrow. The landing's tag comes first: it was read where the arrow is."""
        landed = self.landing.tag if self.landing else None
        return landed or self.read_tag

    @property
    def read_tag(self) -> str | None:
        """The tag that the bow read, else that of the scan before the nocking."""
        return self.bow_tag or (self.scan.tag if self.scan else None)

    @property
    def bow_tag(self) -> str | None:
        """The tag that the bow read."""
        if self.release is None:
            return None
        return self.release.tag or (self.engage.tag if self.engage else None)

    @property
    def is_sure(self) -> bool:
        """Whether the bow knows that the arrow flew: it is no let-down."""
        return self.release is not None and self.release.cause is ReleaseCause.SHOT

    def assign(self, landing: TimedReading, assignment: Assignment) -> None:
        """Assign a landing to the release."""
        self.landing, self.assignment = landing, assignment


@dataclass(slots=True)
class Nocking:
    """One arrow on a string."""

    engage: TimedReading
    until: float
    """Instant of its release, of the next nocking, or of the engage time-out."""
    scan: TimedReading | None = None
    """The scan that it used up."""
    draft: Draft | None = None
    """The shot that it became."""
    doubted: bool = False
    """The tag may belong to another arrow."""

    @property
    def tag(self) -> str | None:
        """The tag of the arrow, by the bow's reader or by a scan."""
        return self.engage.tag or (self.scan.tag if self.scan else None)

    def doubt(self, flag: Flag) -> None:
        """Mark its tag as doubtful, with the reason."""
        self.doubted = True
        if self.draft is not None:
            self.draft.doubted = True
            self.draft.flags.add(flag)


class LaneScans:
    """The scan that the next nocking uses up, in a pass over a lane's readings in order of time."""

    def __init__(self, context: SessionContext) -> None:
        self._scanners = context.scanners
        self._last: TimedReading | None = None
        self._since = math.inf
        self._used: list[tuple[float, float]] = []

    def add(self, reading: TimedReading) -> None:
        """Take a reading that may be a scan; of several scans the last one counts, and one without a tag counts never."""
        if reading.kind is ReadingKind.SCAN and reading.tag is not None and reading.key.device_id in self._scanners:
            self._last = reading
            self._since = min(self._since, reading.t)

    def use(self, nocked: TimedReading) -> TimedReading | None:
        """The scan that a nocking, or a release without one, uses up; None without a scan since the nocking before."""
        last, self._last = self._last, None
        if last is not None:
            self._used.append((self._since, nocked.t))
            self._since = math.inf
        return last

    @property
    def spans(self) -> list[tuple[float, float]]:
        """The intervals from a scan to the nocking that uses it up, in order; infinity for a scan that waits for one."""
        return self._used if self._last is None else [*self._used, (self._since, math.inf)]


@dataclass(frozen=True, slots=True)
class FoundNockings:
    """The nockings and releases of some readings, each in order of time."""

    nockings: list[Nocking]
    drafts: list[Draft]
    """One per release, with the engage that it ends."""
    without_engage: list[TimedReading]
    """The releases, removed arrows among them, whose nocking was not sensed."""
    scans: list[tuple[float, float]]
    """The intervals between scans and the nockings that used them up, in order."""


def find_nockings(readings: Iterable[TimedReading], context: SessionContext) -> FoundNockings:
    """Every nocking and release; ``readings`` in order of time."""
    on_string: dict[str, Nocking] = {}
    nockings: list[Nocking] = []
    drafts: list[Draft] = []
    without_engage: list[TimedReading] = []
    scans = LaneScans(context)
    for reading in readings:
        scans.add(reading)
        bow = reading.key.device_id
        if bow not in context.bows:
            continue
        if reading.kind is ReadingKind.ENGAGE:
            earlier = on_string.get(bow)
            if earlier is not None and _is_repeat(earlier.engage, reading, context):
                continue
            if earlier is not None:
                earlier.until = min(earlier.until, reading.t)
            on_string[bow] = Nocking(reading, reading.t + context.parameters.engage_timeout_s, scans.use(reading))
            nockings.append(on_string[bow])
        elif reading.kind is ReadingKind.RELEASE:
            nocked = on_string.pop(bow, None)
            if nocked is not None:
                nocked.until = min(nocked.until, reading.t)
            if nocked is None or not _belong_together(nocked.engage, reading, context):
                without_engage.append(reading)
                nocked = None
            scan = scans.use(reading) if nocked is None else nocked.scan
            if reading.cause is ReleaseCause.REMOVED:
                continue
            draft = Draft(reading, scan=scan)
            if nocked is not None:
                draft.engage, nocked.draft = nocked.engage, draft
            else:
                draft.flags.add(Flag.NO_ENGAGE)
            drafts.append(draft)
    return FoundNockings(nockings, drafts, without_engage, scans.spans)


def expired_nockings(readings: Iterable[TimedReading], context: SessionContext) -> list[Nocking]:
    """The session's nockings that timed out without a release.

    Only those whose whole time-out lies within the session: events of the bow after the closing are not its readings. And
    only those that the bow watched throughout, because it may have missed the release of the others.
    """
    over = min(context.now, math.inf if context.closes is None else context.closes)
    found = find_nockings(sorted(readings, key=lambda r: (r.t, r.key)), context)
    timeout_s = context.parameters.engage_timeout_s
    return [
        n
        for n in found.nockings
        if n.engage.t >= context.starts
        and n.until == n.engage.t + timeout_s
        and n.until <= over
        and not context.is_blind(n.engage.key.device_id, n.engage.t, n.until)
    ]


def doubt_tags(nockings: Sequence[Nocking], presences: Sequence[TagPresence]) -> None:
    """Mark tags that a bow's reader took from another arrow: one at a neighbouring bow, or one in the butt."""
    by_tag: dict[str, list[Nocking]] = defaultdict(list)
    for nocking in nockings:
        if nocking.engage.tag is not None:
            by_tag[nocking.engage.tag].append(nocking)
    for same in by_tag.values():
        for index, one in enumerate(same):
            following = index + 1
            while following < len(same) and same[following].engage.t < one.until:
                if one.engage.key.device_id != same[following].engage.key.device_id:
                    _doubt_weaker(one, same[following])
                following += 1
    for presence in presences:
        same = by_tag.get(presence.tag, [])
        for index in range(bisect_left(same, presence.since, key=lambda n: n.engage.t), len(same)):
            if presence.until is not None and same[index].engage.t >= presence.until:
                break
            same[index].doubt(Flag.WRONG_TAG)


def _doubt_weaker(one: Nocking, other: Nocking) -> None:
    """Doubt the weaker of two readings of one tag, both where they are equally strong: an arrow is on one string only."""
    strengths = (one.engage.rssi, other.engage.rssi)
    if strengths[0] is None or strengths[1] is None or strengths[0] == strengths[1]:
        weaker = [one, other]
    else:
        weaker = [one if strengths[0] < strengths[1] else other]
    for nocking in weaker:
        nocking.doubt(Flag.CROSS_READ)


def _is_repeat(earlier: TimedReading, engage: TimedReading, context: SessionContext) -> bool:
    return earlier.tag == engage.tag and engage.t - earlier.t <= context.parameters.merge_engage_s


def _belong_together(engage: TimedReading, release: TimedReading, context: SessionContext) -> bool:
    """Whether a release ends a nocking: not where the bow was blind for so long that the arrow may be another one."""
    same = engage.tag is None or release.tag is None or engage.tag == release.tag
    parameters = context.parameters
    return (
        same
        and release.t - engage.t <= parameters.engage_timeout_s
        and not context.is_blind(engage.key.device_id, engage.t, release.t, parameters.shortest_change_s)
    )
