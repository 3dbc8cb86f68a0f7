"""Assembly of readings into shots: pure functions of readings and session context, without clock, logging or SQL."""

from edge.shots.assembly.assemble import Assembly, assemble
from edge.shots.assembly.context import Parameters, SessionContext
from edge.shots.assembly.explain import Explanation, explain, explain_landing
from edge.shots.assembly.model import Correction, CorrectionSet, ReadingKey, TimedReading
from edge.shots.assembly.nockings import expired_nockings
from edge.shots.assembly.shot import Shot, shot_id
from edge.shots.assembly.timeline import Axis

__all__ = [
    "Assembly",
    "Axis",
    "Correction",
    "CorrectionSet",
    "Explanation",
    "Parameters",
    "ReadingKey",
    "SessionContext",
    "Shot",
    "TimedReading",
    "assemble",
    "expired_nockings",
    "explain",
    "explain_landing",
    "shot_id",
]
