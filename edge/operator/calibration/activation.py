"""Which calibration of a device is active: activate one, or roll back to the one before. Every change is a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationAction, CalibrationKind
from edge.operator.boots import record_this_boot
from edge.operator.calibration.records import HISTORY, CalibratedDevice, Calibration, find_calibration, lock_device


@dataclass(frozen=True, slots=True)
class Activation:
    """One change of a device's active calibration. Field names are the columns of ``calibration_activations``."""

    id: int
    device_id: str
    kind: CalibrationKind
    action: CalibrationAction
    calibration_id: UUID | None
    """None after the rollback of the first calibration: the nominal place of the sensor applies, or its earlier settings."""
    version: int | None
    at: datetime
    who: str
    reason: str


_ACTIVATIONS = """
select a.id, a.device_id, a.kind, a.action, a.calibration_id, c.version, a.at, a.who, a.reason
from calibration_activations a left join calibrations c on c.id = a.calibration_id
"""


async def list_activations(
    connection: Connection, device_id: str | None = None, limit: int | None = None
) -> list[Activation]:
    """The activations and rollbacks of one device or of all, the newest first."""
    rows = await connection.fetch(
        f"{_ACTIVATIONS} where $1::text is null or a.device_id = $1 order by a.id desc limit $2", device_id, limit
    )
    return [_activation(row) for row in rows]


async def activate(connection: Connection, calibration: Calibration, who: str, reason: str) -> Activation:
    """Make a calibration active from now on. Shots that landed before keep theirs.

    Raises CommandError when it is active already.
    """
    await record_this_boot(connection)
    async with connection.transaction():
        await lock_device(connection, calibration.device_id)
        await refuse_active(connection, calibration)
        return await _append(
            connection, calibration.device_id, calibration.kind, CalibrationAction.ACTIVATE, calibration.id, who, reason
        )


async def rollback(connection: Connection, device: CalibratedDevice, who: str, reason: str) -> Activation:
    """Make the calibration active again that was active before the present one. Repeated, it goes further back.

    Before the first one there is none: then the nominal place of the sensor applies. Raises CommandError when none is active.
    """
    await record_this_boot(connection)
    async with connection.transaction():
        await lock_device(connection, device.id)
        before = await _before(connection, device)
        return await _append(connection, device.id, device.kind, CalibrationAction.ROLLBACK, before, who, reason)


async def refuse_active(connection: Connection, calibration: Calibration) -> None:
    """Raise CommandError when a calibration is active already."""
    stack = _stack(await list_activations(connection, calibration.device_id))
    if stack and stack[-1] == calibration.id:
        raise CommandError(
            f"calibration {calibration.name} is active already, so nothing was changed",
            hint=f"See `archstats-sensor {HISTORY} {calibration.device_id}`.",
        )


async def calibration_before(connection: Connection, device: CalibratedDevice) -> Calibration | None:
    """The calibration that a rollback makes active; None before the first one. Raises CommandError when none is active."""
    before = await _before(connection, device)
    return None if before is None else await find_calibration(connection, str(before))


async def _before(connection: Connection, device: CalibratedDevice) -> UUID | None:
    stack = _stack(await list_activations(connection, device.id))
    if not stack:
        raise CommandError(
            f"no calibration of {device.id} is active, so nothing was changed",
            hint=f"See `archstats-sensor {HISTORY} {device.id}`.",
        )
    return stack[-2] if len(stack) > 1 else None


def _stack(newest_first: Sequence[Activation]) -> list[UUID]:
    """The calibrations that rollbacks would return to, the active one last. Pure."""
    stack: list[UUID] = []
    for activation in reversed(newest_first):
        if activation.action is CalibrationAction.ROLLBACK:
            del stack[-1:]
        elif activation.calibration_id is not None:
            stack.append(activation.calibration_id)
    return stack


async def _append(
    connection: Connection,
    device_id: str,
    kind: CalibrationKind,
    action: CalibrationAction,
    calibration_id: UUID | None,
    who: str,
    reason: str,
) -> Activation:
    added = await connection.fetchval(
        """
        insert into calibration_activations (device_id, kind, action, calibration_id, who, reason, at, mono_ns, host_boot_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
        """,
        device_id,
        kind,
        action,
        calibration_id,
        who,
        reason,
        *host_now().columns,
    )
    return _activation((await connection.fetch(f"{_ACTIVATIONS} where a.id = $1", added))[0])


def _activation(row: asyncpg.Record) -> Activation:
    return Activation(
        id=row["id"],
        device_id=row["device_id"],
        kind=CalibrationKind(row["kind"]),
        action=CalibrationAction(row["action"]),
        calibration_id=row["calibration_id"],
        version=row["version"],
        at=row["at"],
        who=row["who"],
        reason=row["reason"],
    )
