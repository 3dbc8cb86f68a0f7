"""What each shot rests on and what became of it, before it is written out as a row."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from edge.shots.context import Session
from edge.shots.hearing import Hearing
from edge.shots.matching import Match, Matching
from edge.shots.parameters import FlightWindow, Parameters
from edge.shots.placed import Landing, Release
from edge.shots.shot import Result
from edge.shots.timeline import to_ns
from edge.shots.verdict import verdict
from edge.shots.walk import Span


@dataclass(frozen=True, slots=True)
class Finding:
    """One shot: a release with its match or its verdict, or a landing on its own."""

    basis: Release | Landing
    """What the shot's id rests on."""
    match: Match | None = None
    verdict: Result | None = None
    """None: the place of the landing decides."""
    flags: tuple[str, ...] = ()
    depends_on: frozenset[str] = frozenset()
    """Devices that could still change it by telling that they were there all along."""

    @property
    def ns(self) -> int:
        """Its place in time."""
        return self.basis.placed.ns


def findings(
    releases: list[Release],
    matching: Matching,
    *,
    session: Session,
    span: Span,
    flight: FlightWindow,
    hearing: Hearing,
    parameters: Parameters,
) -> list[Finding]:
    """Everything that is a shot of this session, in the order of time."""
    hits = sorted(match.release.placed.ns for match in matching.by_release.values())
    dead_ns = to_ns(parameters.dead_time_s)
    found: list[Finding] = []
    for release in releases:
        if not release.ours:
            continue
        match = matching.by_release.get(release.key)
        if match is not None:
            found.append(Finding(release, match))
            continue
        near_hit = bisect_left(hits, release.placed.ns - dead_ns) < bisect_right(hits, release.placed.ns + dead_ns)
        result, flags = verdict(
            release, flight=flight, targets=session.targets, hearing=hearing, parameters=parameters, near_hit=near_hit
        )
        untold = frozenset(
            t for t in session.targets if not hearing.told_all((t,), release.placed.ns + to_ns(flight.landing_s))
        )
        found.append(Finding(release, None, result, flags, untold if result is Result.UNKNOWN else frozenset()))
    for landing in matching.alone:
        if _is_shot(landing, session, span, flight, hearing):
            silent = frozenset(bow for bow in session.bows if not hearing.told_all((bow,), landing.placed.ns))
            found.append(Finding(landing, depends_on=silent))
    return sorted(found, key=lambda finding: finding.basis.placed.order)


def _is_shot(landing: Landing, session: Session, span: Span, flight: FlightWindow, hearing: Hearing) -> bool:
    """Whether a landing without a release counts: it does when no bow of the lane would have told of the release."""
    if not span.holds(landing.placed.ns - to_ns(flight.nominal_s)):
        return False
    since_ns, until_ns = landing.placed.ns - to_ns(flight.longest_s), landing.placed.ns - to_ns(flight.shortest_s)
    return not any(hearing.watched(bow, since_ns, until_ns) for bow in session.bows)
