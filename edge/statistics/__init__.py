"""Statistics of shots, pure and from the standard library only: the one implementation of every number that page, commands and HTTP API show."""

from edge.statistics.arrows import ArrowBias, arrow_biases
from edge.statistics.group import Group, SightCorrection, Spread, Trend, group, sight_correction, spread
from edge.statistics.model import FaceFacts, SessionFacts, ShotFacts
from edge.statistics.scores import EndTotals, Totals, end_totals, session_totals, totals
from edge.statistics.session import ArrowStatistics, SessionStatistics, SlotStatistics, located, session_statistics

__all__ = [
    "ArrowBias",
    "ArrowStatistics",
    "EndTotals",
    "FaceFacts",
    "Group",
    "SessionFacts",
    "SessionStatistics",
    "ShotFacts",
    "SightCorrection",
    "SlotStatistics",
    "Spread",
    "Totals",
    "Trend",
    "arrow_biases",
    "end_totals",
    "group",
    "located",
    "session_statistics",
    "session_totals",
    "sight_correction",
    "spread",
    "totals",
]
