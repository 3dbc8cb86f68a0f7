"""Guided calibrations under way, kept in the database: after Ctrl-C the same command goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """One guided calibration that can go on. Plan and taken are JSON that the kind of calibration defines."""

    id: UUID
    device_id: str
    kind: CalibrationKind
    plan: Mapping[str, object]
    taken: Sequence[Mapping[str, object]]
    who: str
    started_at: datetime


async def claim_device(connection: Connection, device_id: str) -> None:
    """Calibrate a device by one command at a time, until its connection ends. Raises CommandError when another one does.

    The name of the connection is the claim: a command that is killed leaves nothing behind. Of two that begin at the same
    instant both are refused.
    """
    name = f"calibrate {device_id}"
    await connection.fetchval("select set_config('application_name', $1, false)", name)
    others: bool = await connection.fetchval(
        """
        select exists (select from pg_stat_activity
            where application_name = $1 and datname = current_database() and pid <> pg_backend_pid())
        """,
        name,
    )
    if others:
        raise CommandError(
            f"another command calibrates {device_id} at the moment",
            hint="Wait for its end, or stop it with Ctrl-C in its own terminal.",
        )


async def open_run(connection: Connection, device_id: str, kind: CalibrationKind) -> CalibrationRun | None:
    """The run of a device that can go on; None without one."""
    row = await connection.fetchrow(
        """
        select id, device_id, kind, plan, taken, who, started_at
        from calibration_runs where device_id = $1 and kind = $2 and ended_at is null
        """,
        device_id,
        kind,
    )
    if row is None:
        return None
    return CalibrationRun(
        row["id"], row["device_id"], CalibrationKind(row["kind"]), json.loads(row["plan"]), json.loads(row["taken"]),
        row["who"], row["started_at"],
    )  # fmt: skip


async def start_run(
    connection: Connection, device_id: str, kind: CalibrationKind, plan: Mapping[str, object], who: str
) -> CalibrationRun:
    """Start a run; one of the device that was under way is given up."""
    async with connection.transaction():
        await connection.execute(
            "update calibration_runs set ended_at = clock_timestamp() where device_id = $1 and kind = $2 and ended_at is null",
            device_id,
            kind,
        )
        row = await connection.fetchrow(
            """
            insert into calibration_runs (device_id, kind, plan, who) values ($1, $2, $3::text::jsonb, $4)
            returning id, started_at
            """,
            device_id,
            kind,
            json.dumps(dict(plan), allow_nan=False),
            who,
        )
    if row is None:
        raise RuntimeError("an insert returned no row")
    return CalibrationRun(row["id"], device_id, kind, plan, (), who, row["started_at"])


async def save_run(connection: Connection, run_id: UUID, taken: Sequence[Mapping[str, object]]) -> None:
    """Store what a run has taken so far."""
    await connection.execute(
        "update calibration_runs set taken = $2::text::jsonb, updated_at = clock_timestamp() where id = $1",
        run_id,
        json.dumps([dict(one) for one in taken], allow_nan=False),
    )


async def end_run(connection: Connection, run_id: UUID) -> None:
    """End a run: it is stored as a calibration, or given up."""
    await connection.execute("update calibration_runs set ended_at = clock_timestamp() where id = $1", run_id)
