"""The simulated range as a pure function of seed, start, speed, lane and time; standard library only."""

from simulators.world.range import FIXED_START_US, LANDING_WINDOW_US, Event, Release, World, truth_line
from simulators.world.vocabulary import BowType, EventKind, Result

__all__ = [
    "FIXED_START_US",
    "LANDING_WINDOW_US",
    "BowType",
    "Event",
    "EventKind",
    "Release",
    "Result",
    "World",
    "truth_line",
]
