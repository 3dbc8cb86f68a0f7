"""Seals: the instants at which a session's readings may be divided, so that each part can be assembled alone.

No reading before a seal has anything to do with one after it: the end is closed, its arrows are pulled, no arrow is on a
string or scanned and not nocked, and no flight, however uncertain the clocks are, spans the instant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from edge.common.vocabulary import ReadingKind
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import ClosedEnd, Seal
from edge.shots.assembly.flight import landing_window_s, longest_flight_s
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.nockings import FoundNockings


def reach_s(reading: TimedReading, context: SessionContext) -> float:
    """How far a reading's influence reaches, in seconds before and after it.

    A release and a landing can belong together, or a landing repeat another, only while the two reaches overlap.
    """
    if reading.kind not in (ReadingKind.RELEASE, ReadingKind.LANDING):
        return 0.0
    parameters = context.parameters
    least_error = max(parameters.clock_floor_s, parameters.clock_unknown_s)
    window = max(landing_window_s(context), longest_flight_s(context), parameters.duplicate_landing_s)
    return (window + least_error) / 2 + parameters.clock_factor * (reading.error_s or 0.0)


def find_seals(
    readings: Sequence[TimedReading],
    closed: Sequence[ClosedEnd],
    on_strings: FoundNockings,
    unsettled: float,
    context: SessionContext,
) -> list[Seal]:
    """The seals after ended ends, in order; ``readings`` in order of time.

    ``unsettled`` is the instant of the first shot or landing that is not decided yet.
    """
    if not closed or not readings:
        return []
    reached = list(accumulate((r.t + reach_s(r, context) for r in readings), max))
    reaching = list(accumulate((r.t - reach_s(r, context) for r in reversed(readings)), min))[::-1]
    # An arrow on a string, and one that was scanned and not nocked yet.
    held = sorted([*((n.engage.t, n.until) for n in on_strings.nockings), *on_strings.scans])
    held_until = list(accumulate((until for _, until in held), max))
    assigned = _assignments(readings, context)
    earliest = _settled_after(context)
    last = min(unsettled, math.inf if context.closes is None else context.closes)
    seals: list[Seal] = []
    taken = 0
    for one in closed:
        until = readings[one.position - 1].t if one.position else -math.inf
        while taken < len(held) and held[taken][0] <= until:
            taken += 1
        t = max(one.decided, reached[one.position - 1] if one.position else -math.inf)
        follows = reaching[one.position] if one.position < len(readings) else math.inf
        is_clear = not one.has_nocked and (taken == 0 or held_until[taken - 1] <= t)
        is_divided = any(since <= t < until for since, until in assigned)
        if is_clear and earliest < t < min(last, follows) and not is_divided:
            seals.append(Seal(t, one.end))
    return seals


def _settled_after(context: SessionContext) -> float:
    """The instant after which the previous session takes part in nothing."""
    previous = context.previous
    return context.starts if previous is None else max(context.starts, previous.closes, previous.lands_until)


def _assignments(readings: Sequence[TimedReading], context: SessionContext) -> list[tuple[float, float]]:
    """The intervals between the landings that operators assigned and their releases."""
    owners = context.corrections.owners
    if not owners:
        return []
    involved = {*owners, *owners.values()}
    at = {r.key: r.t for r in readings if r.key in involved}
    pairs = [(at[landing], at[owner]) for landing, owner in owners.items() if landing in at and owner in at]
    return [(min(pair), max(pair)) for pair in pairs]
