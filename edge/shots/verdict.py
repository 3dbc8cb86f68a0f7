"""What a release without a landing means. Absence of evidence from a target that did not watch is not a miss."""

from __future__ import annotations

from collections.abc import Collection

from edge.shots.hearing import Hearing
from edge.shots.parameters import FlightWindow, Parameters
from edge.shots.placed import Release
from edge.shots.shot import Result
from edge.shots.timeline import to_ns

LET_DOWN = "let_down"
PASSED_THROUGH = "pass_through"
DEAD_TIME = "dead_time"
BLIND = "blind"


def verdict(
    release: Release,
    *,
    flight: FlightWindow,
    targets: Collection[str],
    hearing: Hearing,
    parameters: Parameters,
    near_hit: bool,
) -> tuple[Result, tuple[str, ...]]:
    """The result and the flags that say why. ``near_hit``: another arrow, which did land, left within the dead time."""
    if release.let_down:
        return Result.NOT_SHOT, (LET_DOWN,)
    since_ns = release.placed.ns
    until_ns = since_ns + to_ns(flight.landing_s)
    if targets and hearing.told_all(targets, until_ns):
        if hearing.was_blind(targets, since_ns, until_ns):
            return Result.UNKNOWN, (BLIND,)
        if release.passed_through:
            return Result.UNKNOWN, (PASSED_THROUGH,)
        if near_hit:
            return Result.UNKNOWN, (DEAD_TIME,)
        return Result.MISS, ()
    if hearing.now_ns > until_ns + to_ns(parameters.give_up_s):
        return Result.UNKNOWN, (BLIND,)
    return Result.PENDING, ()
