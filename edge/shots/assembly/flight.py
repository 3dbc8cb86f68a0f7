"""Flight times, as far as the clocks of bow and target determine them. Seconds."""

from __future__ import annotations

import math

from edge.common.vocabulary import Assignment, Flag
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.nockings import Draft

EXPECTED_MPS = 50.0
"""Speed of an average arrow, to choose between two flights that are both possible."""


def flight_s(release: TimedReading, landing: TimedReading) -> float:
    """The time from a release to a landing."""
    return landing.t - release.t


def clock_error_s(release: TimedReading, landing: TimedReading, context: SessionContext) -> float:
    """The largest difference of the two clocks."""
    parameters = context.parameters
    if release.error_s is None or landing.error_s is None:
        return parameters.clock_unknown_s
    return max(parameters.clock_floor_s, parameters.clock_factor * (release.error_s + landing.error_s))


def possible_flights_s(release: TimedReading, landing: TimedReading, context: SessionContext) -> tuple[float, float]:
    """The shortest and the longest flight that can be measured between two such readings.

    A speed that was measured at the bow narrows the interval, so that arrows without tags are not mistaken for each other.
    """
    error, parameters = clock_error_s(release, landing, context), context.parameters
    if context.distance_m is None:
        return -error, landing_window_s(context)
    least, most = context.distance_m / parameters.fastest_mps, longest_flight_s(context)
    if release.launch_mps is not None and parameters.slowest_mps <= release.launch_mps <= parameters.fastest_mps:
        without_drag = context.distance_m / release.launch_mps
        drag = parameters.most_drag_per_m * context.distance_m
        least = max(least, without_drag * (1 - parameters.launch_error))
        most = min(most, without_drag * math.expm1(drag) / drag * (1 + parameters.launch_error))
    return least - error, most + error


def flight_is_possible(release: TimedReading, landing: TimedReading, context: SessionContext) -> bool:
    """Whether an arrow can fly for the measured time."""
    least, most = possible_flights_s(release, landing, context)
    return least <= flight_s(release, landing) <= most


def unseen_release_between(landing: TimedReading, context: SessionContext) -> tuple[float, float]:
    """The interval in which the arrow of a landing was released, whichever bow released it.

    Widened as for a bow whose clock is not synchronised, by at most the landing window.
    """
    window, parameters = landing_window_s(context), context.parameters
    error = min(window, max(parameters.clock_unknown_s, parameters.clock_factor * (landing.error_s or 0.0)))
    if context.distance_m is None:
        return landing.t - window - error, landing.t + error
    fastest_s = context.distance_m / parameters.fastest_mps
    return landing.t - longest_flight_s(context) - error, landing.t - fastest_s + error


def longest_flight_s(context: SessionContext) -> float:
    """The flight time of a slow arrow; the landing window where the distance is not known."""
    return context.parameters.longest_flight_s(context.distance_m)


def expected_flight_s(context: SessionContext) -> float:
    """The flight time of an average arrow."""
    return (context.distance_m or 0.0) / EXPECTED_MPS


def landing_window_s(context: SessionContext) -> float:
    """The time after a release within which its landing is awaited."""
    return context.parameters.landing_window_s(context.distance_m or 0.0)


def arrived_after_verdict(release: TimedReading, landing: TimedReading, context: SessionContext) -> bool:
    """Whether the hub received a landing when its shot had already been decided without it.

    The readings alone decide this: every known release is decided ``give_up_s`` after its landing window.
    """
    decided = release.t + landing_window_s(context) + context.parameters.give_up_s
    return landing.received > max(decided, release.received)


def measured_flight_s(draft: Draft, context: SessionContext) -> float | None:
    """The flight time of a shot; None where the clocks are not good enough, which also sets the flag ``clock``.

    A target that dates its landings too coarsely to time any flight sets no flag: no clock is off, and the bow's least of all.
    """
    release, landing = draft.release, draft.landing
    if release is None or landing is None or draft.late:
        return None
    if draft.assignment is Assignment.MANUAL and not flight_is_possible(release, landing, context):
        return None
    flight = flight_s(release, landing)
    if landing.error_s is not None and landing.error_s > context.parameters.speed_error * longest_flight_s(context):
        return None
    if release.error_s is None or landing.error_s is None or flight < clock_error_s(release, landing, context):
        draft.flags.add(Flag.CLOCK)
        return None
    if release.error_s + landing.error_s > context.parameters.speed_error * flight:
        draft.flags.add(Flag.CLOCK)
        return None
    return flight
