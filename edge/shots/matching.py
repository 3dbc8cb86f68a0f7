"""Which landing belongs to which release: by tag and physical flight time, never first in, first out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.shots.hearing import Hearing
from edge.shots.parameters import FlightWindow, Parameters
from edge.shots.placed import Landing, Release
from edge.shots.sensed import Key
from edge.shots.timeline import SECOND, to_ns


class Assignment(StrEnum):
    """How a landing came to its release."""

    ID = "id"
    """By the arrow's tag."""
    INFERRED = "inferred"
    """There was no other."""
    MANUAL = "manual"
    """A person said so."""


@dataclass(frozen=True, slots=True)
class Match:
    """A release and its landing."""

    release: Release
    landing: Landing
    assignment: Assignment
    beyond_flight: bool = False
    """Too late for a flight, but by its tag no other's: how long it flew is not known."""
    tag_mismatch: bool = False


@dataclass(frozen=True, slots=True)
class Matching:
    """The matches by release, and the landings without one."""

    by_release: Mapping[Key, Match]
    alone: tuple[Landing, ...]
    """No release can be theirs."""
    waiting: tuple[Landing, ...]
    """A bow may still tell of their release."""
    ambiguous: tuple[Landing, ...]
    """More than one release could be theirs, and nothing tells which: a person must say."""


def match(
    releases: Sequence[Release],
    landings: Sequence[Landing],
    *,
    flight: FlightWindow,
    bows: Collection[str],
    hearing: Hearing,
    parameters: Parameters,
    manual: Mapping[Key, Key],
) -> Matching:
    """Match them. Both are in the order of time; ``manual`` gives landings (keys) to releases (values) beforehand."""
    matcher = _Matcher(releases, flight, parameters)
    left = matcher.by_hand(landings, manual)
    left = [landing for landing in left if not matcher.by_tag(landing)]
    # One inference may leave only one choice to another landing.
    while (still := [landing for landing in left if not matcher.by_exclusion(landing, bows, hearing)]) != left:
        left = still
    alone: list[Landing] = []
    waiting: list[Landing] = []
    ambiguous: list[Landing] = []
    for landing in left:
        if any(hearing.may_still_tell(bow, landing.placed.ns) for bow in bows):
            waiting.append(landing)
        elif any(True for _ in matcher.candidates(landing)):
            ambiguous.append(landing)
        else:
            alone.append(landing)
    return Matching(matcher.found, tuple(alone), tuple(waiting), tuple(ambiguous))


class _Matcher:
    def __init__(self, releases: Sequence[Release], flight: FlightWindow, parameters: Parameters) -> None:
        self.found: dict[Key, Match] = {}
        self._releases = releases
        self._at = [release.placed.ns for release in releases]
        self._flight = flight
        self._parameters = parameters

    def by_hand(self, landings: Sequence[Landing], manual: Mapping[Key, Key]) -> list[Landing]:
        """Give landings away as a person said; returns the others."""
        releases = {release.key: release for release in self._releases} if manual else {}
        left: list[Landing] = []
        for landing in landings:
            release = releases.get(manual[landing.key]) if landing.key in manual else None
            if release is None:
                left.append(landing)
            else:
                self.found[release.key] = Match(release, landing, Assignment.MANUAL)
        return left

    def by_tag(self, landing: Landing) -> bool:
        """Match by the tag, in the flight window or, as no other arrow has it, in the landing window."""
        if landing.tag is None or not self._accepted(landing):
            return False
        same = [release for release in self._within(landing) if release.trusted_tag == landing.tag]
        flying = [release for release in same if self._may_have_flown(release, landing, early=True)]
        nominal_ns = to_ns(self._flight.nominal_s)
        chosen = min(
            flying or same,
            key=lambda release: (abs(landing.placed.ns - release.placed.ns - nominal_ns), release.key),
            default=None,
        )
        if chosen is None:
            return False
        self.found[chosen.key] = Match(chosen, landing, Assignment.ID, beyond_flight=not flying)
        return True

    def by_exclusion(self, landing: Landing, bows: Collection[str], hearing: Hearing) -> bool:
        """Match with the only release that can be meant."""
        if not self._accepted(landing):
            return False
        flying = list(self.candidates(landing))
        if landing.tag is not None:
            untagged = [release for release in flying if release.trusted_tag is None]
            if not untagged and any(hearing.may_still_tell(bow, landing.placed.ns) for bow in bows):
                return False  # the release with this tag may still come
            flying = untagged or flying
        if len(flying) != 1:
            return False
        mismatch = landing.tag is not None and flying[0].trusted_tag is not None
        self.found[flying[0].key] = Match(flying[0], landing, Assignment.INFERRED, tag_mismatch=mismatch)
        return True

    def candidates(self, landing: Landing) -> Iterator[Release]:
        """The releases without a landing whose arrow could have flown until this one."""
        return (release for release in self._within(landing) if self._may_have_flown(release, landing, early=False))

    def _accepted(self, landing: Landing) -> bool:
        received_late_s = (landing.placed.sensed.received_at - landing.placed.sensed.instant.at).total_seconds()
        return received_late_s <= self._parameters.late_accept_s

    def _within(self, landing: Landing) -> Iterator[Release]:
        """Releases without a landing in whose landing window this one lies."""
        since = bisect_left(self._at, landing.placed.ns - to_ns(self._flight.landing_s))
        until = bisect_right(self._at, landing.placed.ns + to_ns(self._parameters.clock_error_most_s))
        for release in self._releases[since:until]:
            if release.key not in self.found and not release.let_down and self._after(release, landing):
                yield release

    def _error_ns(self, release: Release, landing: Landing) -> int:
        one, other = release.placed.sensed.uncertainty_s, landing.placed.sensed.uncertainty_s
        return to_ns(self._parameters.clock_error_s(one, other))

    def _after(self, release: Release, landing: Landing) -> bool:
        return landing.placed.ns - release.placed.ns >= -self._error_ns(release, landing)

    def _may_have_flown(self, release: Release, landing: Landing, *, early: bool) -> bool:
        """``early``: accept a landing that clocks put before what is physically possible, since its tag vouches for it."""
        flown_ns = landing.placed.ns - release.placed.ns
        error_ns = self._error_ns(release, landing)
        shortest_ns = -error_ns if early else self._flight.shortest_s * SECOND - error_ns
        return shortest_ns <= flown_ns <= self._flight.longest_s * SECOND + error_ns
