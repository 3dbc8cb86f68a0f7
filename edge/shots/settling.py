"""How far a session is settled: what lies before can be left out of the next assembly, so that a long session costs
no more per reading than a short one.

The last cut that qualifies is the boundary. Before it every end is closed and every shot final; at it no arrow is on a
string or in the air; and nothing was read near it, so no later reading can be joined with one before it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge.shots.context import Evidence
from edge.shots.finding import Finding
from edge.shots.parameters import FlightWindow, Parameters
from edge.shots.placed import Landing, Placed, Release
from edge.shots.sensed import Instant, Kind
from edge.shots.shot import Result
from edge.shots.timeline import to_ns
from edge.shots.walk import Walk

NEVER = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Settled:
    """Everything before ``before_ns`` stays as it is, unless something is read from before it."""

    before_ns: int = NEVER
    ends: int = 0
    """How many ends lie before."""
    silent: Mapping[str, Instant | None] = field(default_factory=dict)
    """Devices that would change it by speaking again, and when they were last heard."""

    def holds(self, evidence: Evidence) -> bool:
        """Whether none of them spoke."""
        return all(evidence.heard.get(device) == heard for device, heard in self.silent.items())


FROM_START = Settled()


def settle(
    before: Settled,
    *,
    walk: Walk,
    found: Sequence[Finding],
    waiting: Sequence[Landing],
    ordered: Sequence[Placed],
    evidence: Evidence,
    flight: FlightWindow,
    parameters: Parameters,
) -> Settled:
    """The latest boundary; ``before`` when there is no later one."""
    best, silent = before, dict(before.silent)
    ends: set[int] = set()
    times = [placed.ns for placed in ordered]
    undecided_ns = min(
        [landing.placed.ns for landing in waiting] + [f.ns for f in found if f.verdict is Result.PENDING], default=None
    )
    position = 0
    last_release_ns: int | None = None
    releases = iter(walk.releases)
    upcoming: Release | None = next(releases, None)
    for index, cut in enumerate(walk.cuts):
        if undecided_ns is not None and undecided_ns <= cut.ns:
            break
        while position < len(found) and found[position].basis.end <= index:
            ends.add(found[position].basis.end)
            silent.update((device, evidence.heard.get(device)) for device in found[position].depends_on)
            position += 1
        while upcoming is not None and upcoming.end <= index:
            last_release_ns, upcoming = upcoming.placed.ns, next(releases, None)
        until = bisect_left(times, cut.ns)
        boundary_ns = cut.ns
        if last_release_ns is not None:
            boundary_ns = max(boundary_ns, last_release_ns + to_ns(flight.landing_s) + 1)
        if until:
            boundary_ns = max(boundary_ns, times[until - 1] + to_ns(parameters.same_landing_s) + 1)
        quiet = until == len(times) or times[until] >= boundary_ns
        if quiet and not _nocked(ordered[:until], boundary_ns, parameters):
            best = Settled(boundary_ns, before.ends + len(ends), dict(silent))
    return best


def _nocked(ordered: Sequence[Placed], at_ns: int, parameters: Parameters) -> bool:
    """Whether an arrow may be on a string: the last thing a bow told is a nocking that still counts."""
    since_ns = at_ns - to_ns(parameters.engage_timeout_s)
    told: set[str] = set()
    for placed in reversed(ordered):
        if placed.ns < since_ns:
            break
        bow = placed.sensed.key.device_id
        if placed.sensed.kind is Kind.ENGAGE and bow not in told:
            return True
        if placed.sensed.kind is Kind.RELEASE:
            told.add(bow)
    return False
