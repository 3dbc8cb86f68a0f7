"""Stored calibrations of devices: append one, find one, and list them with their activations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from edge.common.bounds import is_storable
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel, DeviceKind
from edge.operator.boots import record_this_boot
from edge.operator.devices import find_device
from edge.operator.lookup import exactly_one, id_pattern

HISTORY = "calibration history"
"""The command that lists calibrations."""

KINDS = {
    DeviceKind.TARGET: CalibrationKind.TARGET,
    DeviceKind.BOW: CalibrationKind.BOW,
    DeviceKind.ARROW: CalibrationKind.ARROW,
}
"""The kind of calibration of each kind of device."""
WORDS = {
    CalibrationKind.TARGET: "a target",
    CalibrationKind.BOW: "a bow",
    CalibrationKind.ARROW: "an arrow scanner",
}
"""The device of each kind of calibration, for people."""


@dataclass(frozen=True, slots=True)
class CalibratedDevice:
    """A device that can be calibrated."""

    id: str
    kind: CalibrationKind
    lane: int | None
    driver: str


@dataclass(frozen=True, slots=True)
class NewCalibration:
    """A calibration to be stored. Lengths are millimetres; ``docs/calibration.md`` describes parameters and points."""

    device_id: str
    kind: CalibrationKind
    parameters: Mapping[str, object]
    points: Sequence[Mapping[str, object]]
    who: str
    model: CalibrationModel | None = None
    """Targets only."""
    sigma_mm: float | None = None
    """Targets only: standard deviation of a position in one direction."""
    centre_error_mm: float | None = None
    """Targets only."""
    face_code: str | None = None
    is_accepted: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A stored calibration. Field names are the columns of ``calibrations``."""

    id: UUID
    device_id: str
    kind: CalibrationKind
    version: int
    model: CalibrationModel | None
    parameters: Mapping[str, object]
    points: Sequence[Mapping[str, object]]
    sigma_mm: float | None
    centre_error_mm: float | None
    face_code: str | None
    is_accepted: bool
    who: str
    at: datetime
    note: str | None
    is_active: bool
    activated_at: datetime | None
    """When it became active last; None for one that never was."""
    fits: bool
    """Whether the device still counts positions from the point that it did then: another driver may count from another."""

    @property
    def name(self) -> str:
        """The calibration for people and commands, such as ``target-1@3``."""
        return f"{self.device_id}@{self.version}"


CALIBRATIONS = """
select c.*, c.id = last.calibration_id as is_active, own.at as activated_at,
    coalesce(c.parameters ->> 'sensor_origin' = d.sensor_origin, true) as fits
from calibrations c
left join devices d on (d.id, d.hub_id) = (c.device_id, c.hub_id)
left join lateral (
    select a.calibration_id from calibration_activations a
    where (a.device_id, a.kind) = (c.device_id, c.kind) order by a.id desc limit 1
) last on true
left join lateral (
    select a.at from calibration_activations a where a.device_id = c.device_id and a.kind = c.kind and a.calibration_id = c.id
    order by a.id desc limit 1
) own on true
"""


async def find_calibrated_device(
    connection: Connection, device_id: str, kind: CalibrationKind | None = None
) -> CalibratedDevice:
    """The device of this name. Raises CommandError when there is none, or when it is of another kind."""
    found = await find_device(connection, device_id)
    own = KINDS[found.kind]
    if kind is not None and own is not kind:
        raise CommandError(
            f"{device_id} is {WORDS[own]}, and not {WORDS[kind]}",
            hint="Give another device: `archstats-sensor devices list`.",
        )
    return CalibratedDevice(found.id, own, found.lane, found.driver)


async def append_calibration(connection: Connection, new: NewCalibration) -> Calibration:
    """Store a calibration as the next version of its device. It is not active yet."""
    await record_this_boot(connection)
    async with connection.transaction():
        await lock_device(connection, new.device_id)
        stored = await connection.fetchval(
            """
            insert into calibrations (device_id, kind, version, model, parameters, points, sigma_mm, centre_error_mm,
                face_code, is_accepted, note, who, at, mono_ns, host_boot_id)
            select $1, $2, coalesce(max(version), 0) + 1, $3, $4::text::jsonb, $5::text::jsonb, $6, $7, $8, $9, $10, $11,
                $12, $13, $14
            from calibrations where device_id = $1 and kind = $2 returning id
            """,
            new.device_id,
            new.kind,
            new.model,
            json.dumps(dict(new.parameters), allow_nan=False),
            json.dumps([dict(point) for point in new.points], allow_nan=False),
            new.sigma_mm,
            new.centre_error_mm,
            new.face_code,
            new.is_accepted,
            new.note,
            new.who,
            *host_now().columns,
        )
        return _calibration((await connection.fetch(f"{CALIBRATIONS} where c.id = $1", stored))[0])


async def lock_device(connection: Connection, device_id: str) -> None:
    """Let one command at a time add to the history of a device, until the transaction ends."""
    await connection.execute("select lock_device($1)", device_id)


async def list_calibrations(
    connection: Connection, device_id: str | None = None, limit: int | None = None
) -> list[Calibration]:
    """The calibrations of one device or of all, the newest first."""
    rows = await connection.fetch(
        f"{CALIBRATIONS} where $1::text is null or c.device_id = $1 order by c.at desc, c.version desc limit $2",
        device_id,
        limit,
    )
    return [_calibration(row) for row in rows]


async def active_calibration(connection: Connection, device_id: str, kind: CalibrationKind) -> Calibration | None:
    """The active calibration of a device; None without one."""
    rows = await connection.fetch(
        f"""
        {CALIBRATIONS} where c.device_id = $1 and c.kind = $2 and c.id = (
            select calibration_id from calibration_activations where device_id = $1 and kind = $2 order by id desc limit 1)
        """,  # noqa: S608 - fixed text
        device_id,
        kind,
    )
    return _calibration(rows[0]) if rows else None


async def find_calibration(connection: Connection, reference: str) -> Calibration:
    """The calibration of a reference.

    It is the name of a device (its active one, else its newest), a device with a version such as ``target-1@3``, or an id or
    the first characters of it. Raises CommandError when there is none.
    """
    device, at, version = reference.partition("@")
    if at:
        await find_calibrated_device(connection, device)
        number = int(version) if version.isdecimal() and len(version) < 10 else 0
        rows = await connection.fetch(f"{CALIBRATIONS} where c.device_id = $1 and c.version = $2", device, number)
        return _calibration(exactly_one(rows, "calibration", reference, HISTORY))
    if is_storable(reference) and await connection.fetchval(
        "select exists (select from devices where id = $1)", reference
    ):
        found = await find_calibrated_device(connection, reference)
        active = await active_calibration(connection, reference, found.kind)
        newest = [active] if active else await list_calibrations(connection, reference, 1)
        if not newest:
            raise CommandError(
                f"{reference} has no calibration yet",
                hint=f"Calibrate it: `archstats-sensor calibrate {found.kind} {reference}`.",
            )
        return newest[0]
    rows = await connection.fetch(f"{CALIBRATIONS} where c.id::text like $1 limit 2", id_pattern(reference, HISTORY))
    return _calibration(exactly_one(rows, "calibration", reference, HISTORY))


def _calibration(row: asyncpg.Record) -> Calibration:
    return Calibration(
        id=row["id"],
        device_id=row["device_id"],
        kind=CalibrationKind(row["kind"]),
        version=row["version"],
        model=CalibrationModel(row["model"]) if row["model"] else None,
        parameters=json.loads(row["parameters"]),
        points=json.loads(row["points"]),
        sigma_mm=row["sigma_mm"],
        centre_error_mm=row["centre_error_mm"],
        face_code=row["face_code"],
        is_accepted=row["is_accepted"],
        who=row["who"],
        at=row["at"],
        note=row["note"],
        is_active=bool(row["is_active"]),
        activated_at=row["activated_at"],
        fits=row["fits"],
    )
