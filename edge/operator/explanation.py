"""Explain a shot or an orphan from the readings, as the assembler would decide it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.operator.calibration.records import Calibration, find_calibration
from edge.operator.corrections import RecordedCorrection, corrections_of
from edge.operator.lookup import LAST
from edge.operator.orphans import Orphan, find_orphan
from edge.operator.rescoring import RecordedRescore, rescores_of
from edge.operator.shots import ShotSummary, find_shot
from edge.shots.assembly.explain import Candidate, Explanation, explain, explain_landing
from edge.shots.store.context import load_snapshot


@dataclass(frozen=True, slots=True)
class ExplainedShot:
    """A shot as it is stored, the evidence for it, and its corrections, oldest first."""

    shot: ShotSummary
    explanation: Explanation
    corrections: Sequence[RecordedCorrection]
    rescores: Sequence[RecordedRescore]
    """Rescores of its session, oldest first."""
    calibration: Calibration | None
    """The calibration that gave its place on the butt."""


@dataclass(frozen=True, slots=True)
class ExplainedOrphan:
    """An orphan and the releases that may belong to it."""

    orphan: Orphan
    candidates: Sequence[Candidate]


async def explain_reference(
    connection: Connection, reference: str, lane: int | None = None
) -> ExplainedShot | ExplainedOrphan:
    """Explain the shot or the orphan with this id, the first characters of it, or the ``last`` shot (on the lane).

    Raises CommandError when neither exists, or when the readings no longer make this shot.
    """
    try:
        shot = await find_shot(connection, reference, lane)
    except CommandError as fault:
        if reference == LAST:
            raise
        try:
            orphan = await find_orphan(connection, reference)
        except CommandError:
            raise fault from None
        return await _explain_orphan(connection, orphan)
    seen = await load_snapshot(connection, shot.session_id)
    explanation = explain(seen.readings, seen.context, shot.id) if seen is not None else None
    if explanation is None:
        raise CommandError(
            f"shot {shot.id} is void: {shot.void_reason or 'the readings no longer make this shot'}",
            hint="Its last values are kept; see `archstats-sensor shots list`.",
        )
    placing = explanation.placing
    calibration = placing.calibration_id if placing else None
    return ExplainedShot(
        shot,
        explanation,
        await corrections_of(connection, shot),
        await rescores_of(connection, shot.session_id),
        await find_calibration(connection, str(calibration)) if calibration else None,
    )


async def _explain_orphan(connection: Connection, orphan: Orphan) -> ExplainedOrphan:
    seen = await load_snapshot(connection, orphan.session_id)
    candidates = explain_landing(seen.readings, seen.context, orphan.reading) if seen is not None else ()
    return ExplainedOrphan(orphan, candidates)
