"""The statistics of a session from the database: read with its state, and written for programs."""

from edge.operator.statistics.facts import empty_statistics, statistics_facts
from edge.operator.statistics.reading import (
    StatisticsState,
    facts_of_session,
    read_statistics,
    session_facts,
    state_of_lane,
    state_of_session,
    states_of_lanes,
)

__all__ = [
    "StatisticsState",
    "empty_statistics",
    "facts_of_session",
    "read_statistics",
    "session_facts",
    "state_of_lane",
    "state_of_session",
    "states_of_lanes",
    "statistics_facts",
]
