"""Which landing belongs to which release: by tag and physical flight time, never by order. Pure.

What is sure goes first: a tag that bow and target both read. What is left goes by elimination: a landing that only one
release can explain is its own, and so on until nothing more is sure. The rest is for a person.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from edge.shots.assembly.draft import Draft
from edge.shots.assembly.flight import (
    expected_flight_s,
    flight_is_possible,
    flight_s,
    landing_window_s,
    longest_flight_s,
)
from edge.shots.assembly.model import SessionContext, TimedReading


def match(drafts: Sequence[Draft], landings: Sequence[TimedReading], context: SessionContext) -> list[TimedReading]:
    """Give each landing to its release; returns the landings that belong to none. Both in order of time."""
    air = OpenReleases(drafts, context)
    left = [landing for landing in without_repeats(landings, context) if not _give_by_tag(air, landing, context)]
    left = [landing for landing in left if not _give_late(air, landing, context)]
    rules = (_give_to_the_fitting, _give_to_the_only, _give_to_a_let_down)
    sure = True
    while sure:
        sure = False
        for rule in rules:
            remaining = [landing for landing in left if not rule(air, landing)]
            if len(remaining) < len(left):
                left, sure = remaining, True
                break
    for landing in left:
        _no_miss_beside(air, landing, context)
    return left


def without_repeats(landings: Sequence[TimedReading], context: SessionContext) -> list[TimedReading]:
    """Each landing once: the same tag within two seconds in the same place is the same landing, read again."""
    kept: list[TimedReading] = []
    for landing in landings:
        same = next((k for k in _recent(kept, landing, context) if _is_repeat(kept[k], landing, context)), None)
        if same is None:
            kept.append(landing)
        elif kept[same].place is None and landing.place is not None:
            kept[same] = landing
    return sorted(kept, key=lambda landing: (landing.t, landing.key))


class OpenReleases:
    """The releases that may still be given a landing, found by time."""

    def __init__(self, drafts: Sequence[Draft], context: SessionContext) -> None:
        self._scene = context
        self._drafts = sorted((d for d in drafts if d.release is not None), key=lambda d: (d.first.t, d.first.key))
        self._times = [draft.first.t for draft in self._drafts]
        dated = [d.first.error_s for d in self._drafts if d.first.error_s is not None]
        self._worst_s = max(dated, default=0.0)

    def around(self, landing: TimedReading, reach_s: float) -> list[Draft]:
        """Releases without a landing at most so far from a landing, either way."""
        since, until = bisect_left(self._times, landing.t - reach_s), bisect_right(self._times, landing.t + reach_s)
        return [draft for draft in self._drafts[since:until] if draft.landing is None]

    def possible(self, landing: TimedReading) -> list[Draft]:
        """Releases without a landing whose arrow may have made this one; let-downs are among them."""
        parameters = self._scene.parameters
        error = parameters.clock_factor * (self._worst_s + (landing.error_s or 0.0))
        reach = longest_flight_s(self._scene) + max(parameters.clock_floor_s, parameters.clock_unknown_s, error)
        return [d for d in self.around(landing, reach) if flight_is_possible(d.first, landing, self._scene)]


def _give_by_tag(air: OpenReleases, landing: TimedReading, context: SessionContext) -> bool:
    if landing.tag is None:
        return False
    same = [d for d in air.possible(landing) if not d.let_down and d.read_tag == landing.tag]
    if not same:
        return False
    expected = expected_flight_s(context)
    best = min(same, key=lambda d: (d.doubted, abs(flight_s(d.first, landing) - expected), d.first.key))
    best.give(landing, "id")
    return True


def _give_late(air: OpenReleases, landing: TimedReading, context: SessionContext) -> bool:
    """The target told the right arrow, too late for a flight, but in its window."""
    if landing.tag is None:
        return False
    window = landing_window_s(context)
    for draft in air.around(landing, window):
        sure = draft.read_tag == landing.tag and not draft.let_down and not draft.doubted
        if sure and 0.0 < flight_s(draft.first, landing) <= window:
            draft.late = True
            draft.flags.add("late")
            draft.give(landing, "id")
            return True
    return False


def _give_to_the_fitting(air: OpenReleases, landing: TimedReading) -> bool:
    """One release can explain it whose tag was not read, or is not believed."""
    fitting = [
        d
        for d in air.possible(landing)
        if not d.let_down and (landing.tag is None or d.read_tag is None or d.doubted or d.read_tag == landing.tag)
    ]
    if len(fitting) != 1:
        return False
    fitting[0].give(landing, "inferred")
    return True


def _give_to_the_only(air: OpenReleases, landing: TimedReading) -> bool:
    """One release can explain it, although its tag says otherwise."""
    flown = [d for d in air.possible(landing) if not d.let_down]
    if len(flown) != 1:
        return False
    flown[0].flags.add("tag_mismatch")
    flown[0].give(landing, "inferred")
    return True


def _give_to_a_let_down(air: OpenReleases, landing: TimedReading) -> bool:
    """Its arrow was nocked again in the same end, but an arrow did land, and no other release can explain it."""
    possible = air.possible(landing)
    if landing.tag is not None or len(possible) != 1:
        return False
    possible[0].let_down = False
    possible[0].give(landing, "inferred")
    return True


def _no_miss_beside(air: OpenReleases, landing: TimedReading, context: SessionContext) -> None:
    """Releases that may have made a landing which nobody could place did not miss for sure."""
    for draft in air.possible(landing):
        draft.no_miss.add("unsorted")
    for draft in air.around(landing, landing_window_s(context)):
        if draft.read_tag is not None and draft.read_tag == landing.tag:
            draft.no_miss.add("clock")


def _recent(kept: Sequence[TimedReading], landing: TimedReading, context: SessionContext) -> list[int]:
    """Where the landings of the last two seconds are."""
    found: list[int] = []
    for place in range(len(kept) - 1, -1, -1):
        if landing.t - kept[place].t > context.parameters.duplicate_landing_s:
            break
        found.append(place)
    return found


def _is_repeat(earlier: TimedReading, landing: TimedReading, context: SessionContext) -> bool:
    if landing.tag is None or landing.tag != earlier.tag or landing.key.device_id != earlier.key.device_id:
        return False
    if landing.place is None or earlier.place is None:
        return True
    return all(
        abs(a - b) <= context.parameters.duplicate_landing_mm for a, b in zip(landing.place, earlier.place, strict=True)
    )
