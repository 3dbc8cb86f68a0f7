"""How long an arrow may fly, as far as the clocks can tell. Pure; seconds."""

from __future__ import annotations

from edge.shots.assembly.draft import Draft
from edge.shots.assembly.model import SessionContext, TimedReading

EXPECTED_MPS = 50.0
"""A middling arrow, to choose between flights that are both possible."""


def flight_s(release: TimedReading, landing: TimedReading) -> float:
    """From a release to a landing."""
    return landing.t - release.t


def clock_error_s(release: TimedReading, landing: TimedReading, context: SessionContext) -> float:
    """How far the two clocks may be apart."""
    parameters = context.parameters
    if release.error_s is None or landing.error_s is None:
        return parameters.clock_unknown_s
    return max(parameters.clock_floor_s, parameters.clock_factor * (release.error_s + landing.error_s))


def possible_flights_s(release: TimedReading, landing: TimedReading, context: SessionContext) -> tuple[float, float]:
    """The shortest and the longest flight that may be seen between two such readings."""
    error = clock_error_s(release, landing, context)
    if context.distance_m is None:
        return -error, landing_window_s(context)
    return context.distance_m / context.parameters.fastest_mps - error, longest_flight_s(context) + error


def flight_is_possible(release: TimedReading, landing: TimedReading, context: SessionContext) -> bool:
    """Whether an arrow could fly that long."""
    least, most = possible_flights_s(release, landing, context)
    return least <= flight_s(release, landing) <= most


def longest_flight_s(context: SessionContext) -> float:
    """A slow arrow's flight; the landing window where the distance is not known."""
    return context.parameters.longest_flight_s(context.distance_m)


def expected_flight_s(context: SessionContext) -> float:
    """A middling arrow's flight."""
    return (context.distance_m or 0.0) / EXPECTED_MPS


def landing_window_s(context: SessionContext) -> float:
    """How long after a release its landing is waited for."""
    return context.parameters.landing_window_s(context.distance_m or 0.0)


def arrived_after_verdict(release: TimedReading, landing: TimedReading, context: SessionContext) -> bool:
    """Whether the hub heard of a landing when its shot had been decided without it.

    That is what the readings themselves can tell: ``give_up_s`` after the window every release that is known is decided.
    """
    decided = release.t + landing_window_s(context) + context.parameters.give_up_s
    return landing.told > max(decided, release.told)


def measured_flight_s(draft: Draft, context: SessionContext) -> float | None:
    """The flight of a shot, where the clocks are good enough to tell; flags ``clock`` where only they are in the way."""
    release, landing = draft.release, draft.landing
    if release is None or landing is None or draft.late:
        return None
    if draft.assignment == "manual" and not flight_is_possible(release, landing, context):
        return None
    flight = flight_s(release, landing)
    if release.error_s is None or landing.error_s is None or flight < clock_error_s(release, landing, context):
        draft.flags.add("clock")
        return None
    if release.error_s + landing.error_s > context.parameters.speed_error * flight:
        draft.flags.add("clock")
        return None
    return flight
