"""Look at a session as the assembler sees it, without writing anything."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.shots.assembly.model import SessionContext, TimedReading
from edge.shots.assembly.timeline import Axis
from edge.shots.store import readings as incoming
from edge.shots.store.context import load_snapshot, moment_of, read_watermarks, sensed
from edge.shots.store.corrections import read_rulings


@dataclass(frozen=True, slots=True)
class SeenSession:
    """Everything that assembly works with."""

    readings: list[TimedReading]
    context: SessionContext
    axis: Axis


async def see_session(connection: Connection, session_id: UUID) -> SeenSession | None:
    """A session's readings and its lane as they are now; None when there is no such session."""
    told = await read_watermarks(connection)
    rows = await incoming.readings_of(connection, session_id)
    rulings = await read_rulings(connection, session_id)
    stage = await load_snapshot(connection, session_id, [moment_of(row) for row in rows], rulings, told)
    if stage is None:
        return None
    return SeenSession([sensed(row, stage.axis) for row in rows], stage.context, stage.axis)
