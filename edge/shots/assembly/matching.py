"""Assigns landings to releases by tag and physical flight time, never by order.

Certain pairs come first: a tag that both bow and target read. The others follow by elimination: a landing that only one
release explains belongs to it, and so on until no pair is certain. The rest is left to the operator.

Elimination needs every release that may have made the landing. Where a bow was blind one may be missing: then a landing goes
by its tag alone, and a release beside it stays without a value. Where a bow has not reported yet a landing without a tag goes to
the release that is known, and is assigned anew when another one arrives; against its tag a landing is assigned to none.

A landing on the face of an archer without a device on the bow needs no release. Its tag alone gives it to one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge.common.vocabulary import Assignment, Flag
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.coverage import Coverage, landing_coverage, release_coverage
from edge.shots.assembly.flight import (
    expected_flight_s,
    flight_is_possible,
    flight_s,
    landing_window_s,
    longest_flight_s,
    unseen_release_between,
)
from edge.shots.assembly.model import ReadingKey, TimedReading
from edge.shots.assembly.nockings import Draft
from edge.shots.assembly.scoring import is_of_bowless_slot

NOT_BLIND = frozenset((Coverage.COMPLETE, Coverage.WAITING, Coverage.TIMED_OUT))
WATCHED = frozenset((Coverage.COMPLETE,))


@dataclass(slots=True)
class Unassigned:
    """A landing that was assigned to no release."""

    landing: TimedReading
    coverage: Coverage
    """Whether every release that may have made it is known."""
    is_claimed: bool
    """A known release may have made it."""
    waits: bool = False
    """A bow has not reported yet whether there is another release, or a target whether the release has another landing."""


def match(drafts: Sequence[Draft], landings: Sequence[TimedReading], context: SessionContext) -> list[Unassigned]:
    """Assign each landing to its release; returns the landings without one. Both arguments in order of time."""
    releases = OpenReleases(drafts, context)
    left = [landing for landing in without_repeats(landings, context) if not _assign_by_tag(releases, landing, context)]
    left = [landing for landing in left if not _assign_late(releases, landing, context)]
    coverage = {landing.key: release_coverage(landing, context) for landing in left}
    bowless = {landing.key for landing in left if is_of_bowless_slot(landing, context)}
    rules = ((_assign_to_fitting, NOT_BLIND), (_assign_to_only, WATCHED), (_assign_to_let_down, WATCHED))
    found = True
    while found:
        found = False
        for rule, needed in rules:
            remaining = [
                one for one in left if one.key in bowless or coverage[one.key] not in needed or not rule(releases, one)
            ]
            if len(remaining) < len(left):
                left, found = remaining, True
                break
    return _doubt_misses_beside(releases, left, coverage, bowless, context)


def without_repeats(landings: Sequence[TimedReading], context: SessionContext) -> list[TimedReading]:
    """Each landing once: the same tag at the same position within two seconds is one landing, read again."""
    kept: list[TimedReading] = []
    by_tag: dict[tuple[str, str], list[int]] = defaultdict(list)
    for landing in landings:
        same = None
        if landing.tag is not None:
            recent = by_tag[landing.key.device_id, landing.tag]
            same = next(
                (k for k in _recent(recent, kept, landing, context) if _is_repeat(kept[k], landing, context)), None
            )
            if same is None:
                recent.append(len(kept))
        if same is None:
            kept.append(landing)
        elif kept[same].position is None and landing.position is not None:
            kept[same] = landing
    return sorted(kept, key=lambda landing: (landing.t, landing.key))


class OpenReleases:
    """The releases without a landing, found by time."""

    def __init__(self, drafts: Sequence[Draft], context: SessionContext) -> None:
        self._context = context
        self._drafts = sorted((d for d in drafts if d.release is not None), key=lambda d: (d.first.t, d.first.key))
        self._times = [draft.first.t for draft in self._drafts]
        dated = [d.first.error_s for d in self._drafts if d.first.error_s is not None]
        self._largest_error_s = max(dated, default=0.0)

    def near(self, landing: TimedReading, reach_s: float) -> list[Draft]:
        """The open releases at most ``reach_s`` before or after a landing."""
        since, until = bisect_left(self._times, landing.t - reach_s), bisect_right(self._times, landing.t + reach_s)
        return [draft for draft in self._drafts[since:until] if draft.landing is None]

    def possible(self, landing: TimedReading) -> list[Draft]:
        """The open releases, let-downs included, whose arrow may have made a landing."""
        parameters = self._context.parameters
        error = parameters.clock_factor * (self._largest_error_s + (landing.error_s or 0.0))
        reach = longest_flight_s(self._context) + max(parameters.clock_floor_s, parameters.clock_unknown_s, error)
        return [d for d in self.near(landing, reach) if flight_is_possible(d.first, landing, self._context)]


def _assign_by_tag(releases: OpenReleases, landing: TimedReading, context: SessionContext) -> bool:
    """To the release whose bow read the same tag."""
    if landing.tag is None:
        return False
    same = [d for d in releases.possible(landing) if not d.let_down and d.read_tag == landing.tag]
    if not same:
        return False
    expected = expected_flight_s(context)
    best = min(same, key=lambda d: (d.doubted, abs(flight_s(d.first, landing) - expected), d.first.key))
    if best.doubted and release_coverage(landing, context) is Coverage.BLIND:
        return False  # the other arrow of the tag may have flown unseen
    if _may_have_flown_again(best, landing, releases, context):
        return False
    best.assign(landing, Assignment.ID)
    return True


def _assign_late(releases: OpenReleases, landing: TimedReading, context: SessionContext) -> bool:
    """To the release of the same tag whose landing window holds it, although no arrow flies that long."""
    if landing.tag is None:
        return False
    window = landing_window_s(context)
    for draft in releases.near(landing, window):
        certain = draft.read_tag == landing.tag and not draft.let_down and not draft.doubted
        is_within = certain and 0.0 < flight_s(draft.first, landing) <= window
        if (
            is_within
            and release_coverage(landing, context) is not Coverage.BLIND
            and not _may_have_flown_again(draft, landing, releases, context)
        ):
            draft.late = True
            draft.flags.add(Flag.LATE)
            draft.assign(landing, Assignment.ID)
            return True
    return False


def _may_have_flown_again(draft: Draft, landing: TimedReading, releases: OpenReleases, context: SessionContext) -> bool:
    """Whether the arrow of a release may have been nocked again while its bow was blind, and have landed from there."""
    if draft.is_sure:
        return False
    bow, since = draft.first.key.device_id, draft.first.t
    _, until = unseen_release_between(landing, context)
    if context.is_blind(bow, since, until, context.parameters.shortest_change_s):
        return True
    return any(
        d.first.key.device_id == bow
        and d.first.t > since
        and d.read_tag is None
        and d.engage is None
        and context.is_blind(bow, since, d.first.t)
        for d in releases.possible(landing)
    )


def _assign_to_fitting(releases: OpenReleases, landing: TimedReading) -> bool:
    """To the only possible release whose tag agrees, was not read, or is doubted."""
    fitting = [
        d
        for d in releases.possible(landing)
        if not d.let_down and (landing.tag is None or d.read_tag is None or d.doubted or d.read_tag == landing.tag)
    ]
    if len(fitting) != 1:
        return False
    fitting[0].assign(landing, Assignment.INFERRED)
    return True


def _assign_to_only(releases: OpenReleases, landing: TimedReading) -> bool:
    """To the only possible release, although its tag differs."""
    flown = [d for d in releases.possible(landing) if not d.let_down]
    if len(flown) != 1:
        return False
    flown[0].flags.add(Flag.TAG_MISMATCH)
    flown[0].assign(landing, Assignment.INFERRED)
    return True


def _assign_to_let_down(releases: OpenReleases, landing: TimedReading) -> bool:
    """To the only possible release, a let-down: an arrow did land, and no other release explains it."""
    possible = releases.possible(landing)
    if landing.tag is not None or len(possible) != 1:
        return False
    possible[0].let_down = False
    possible[0].assign(landing, Assignment.INFERRED)
    return True


def _doubt_misses_beside(
    releases: OpenReleases,
    landings: Sequence[TimedReading],
    coverage: Mapping[ReadingKey, Coverage],
    bowless: Collection[ReadingKey],
    context: SessionContext,
) -> list[Unassigned]:
    """Mark the releases that may have made an unassigned landing: none of them is certainly a miss.

    One of a bowless archer waits as long as they may still get a landing of their own.
    """
    left: list[Unassigned] = []
    claims: list[list[Draft]] = []
    for landing in landings:
        possible = releases.possible(landing)
        near = releases.near(landing, landing_window_s(context))
        same = [d for d in near if d.read_tag is not None and d.read_tag == landing.tag]
        for draft in possible:
            draft.miss_doubts.add(Flag.UNSORTED)
        for draft in same:
            draft.miss_doubts.add(Flag.CLOCK)
        claims.append([*possible, *same])
        waits = landing.key in bowless and any(
            landing_coverage(draft.first.t, context) is Coverage.WAITING for draft in claims[-1]
        )
        left.append(Unassigned(landing, coverage[landing.key], bool(claims[-1]), waits))
    _spread_waiting(left, claims)
    return left


def _spread_waiting(left: Sequence[Unassigned], claims: Sequence[Sequence[Draft]]) -> None:
    """Let the landings wait that await a bow's report, the releases beside them, and so on: one decides the next."""
    waiting = [one.is_claimed and one.coverage is Coverage.WAITING for one in left]
    is_spreading = any(waiting)
    while is_spreading:
        is_spreading = False
        for index, drafts in enumerate(claims):
            if waiting[index] and not left[index].waits:
                left[index].waits = is_spreading = True
                for draft in drafts:
                    draft.awaits_bow = True
            elif not waiting[index] and any(draft.awaits_bow for draft in drafts):
                waiting[index] = is_spreading = True


def _recent(
    same_tag: Sequence[int], kept: Sequence[TimedReading], landing: TimedReading, context: SessionContext
) -> Iterator[int]:
    """Those indices of landings that lie within the last two seconds, the latest first."""
    for index in reversed(same_tag):
        if landing.t - kept[index].t > context.parameters.duplicate_landing_s:
            break
        yield index


def _is_repeat(earlier: TimedReading, landing: TimedReading, context: SessionContext) -> bool:
    if landing.position is None or earlier.position is None:
        return True
    limit = context.parameters.duplicate_landing_mm
    return (
        abs(landing.position.x - earlier.position.x) <= limit and abs(landing.position.y - earlier.position.y) <= limit
    )
