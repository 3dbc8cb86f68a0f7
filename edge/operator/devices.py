"""The devices of this database with their present states, and the one that an operator names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from edge.common.bounds import is_storable
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean, nearest
from edge.common.vocabulary import DeviceKind, DeviceState, ErrorCode

LONGEST_NAME = 40
"""Longest name of a device, in characters."""
EXPECTED_TO_REPORT = (DeviceState.READY, DeviceState.WAITING, DeviceState.STARTING)
"""States whose row the daemon renews; one that is not renewed belongs to a device that is silent."""


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """One device, as lists show it."""

    id: str
    kind: DeviceKind
    driver: str
    lane: int | None
    state: DeviceState
    since: datetime | None
    """When that state began; None for a device whose daemon never ran."""
    is_served: bool
    """Whether its daemon runs: the daemon has renewed the device's row lately."""
    battery_percent: int | None
    firmware: str | None
    source: str | None
    watermark: datetime | None
    """Every event up to this instant is stored."""
    error: str | None
    hint: str | None


# A daemon renews its row at least every interval_s; PostgreSQL's row is old after three times that, whatever the state.
_DEVICES = """
select d.id, d.kind, d.driver, d.lane, s.battery_percent, s.firmware, s.source, s.watermark, s.error, s.hint,
    case when s.state = any($1::text[]) and clock_timestamp() - s.updated_at > 3 * s.interval_s * interval '1 s'
        then s.updated_at else s.since end as since,
    case when s.device_id is null then 'unknown'
        when s.state = any($1::text[]) and clock_timestamp() - s.updated_at > 3 * s.interval_s * interval '1 s' then 'silent'
        when s.state = 'ready' and (s.clock_off or s.chatters) then 'degraded' else s.state end as state,
    coalesce(s.state <> 'stopped' and clock_timestamp() - s.updated_at <= 3 * s.interval_s * interval '1 s', false) as is_served
from devices d left join device_status s on s.device_id = d.id
"""


async def list_devices(connection: Connection, lane: int | None = None) -> list[DeviceSummary]:
    """The devices of one lane or of all, in the order of lanes; those without a lane are last."""
    rows = await connection.fetch(
        f"{_DEVICES} where $2::integer is null or d.lane = $2 order by d.lane, d.id",
        list(EXPECTED_TO_REPORT),
        lane,
    )
    return list(map(_summary, rows))


async def find_device(connection: Connection, device_id: str) -> DeviceSummary:
    """The device of this name. Raises CommandError when there is none, with the nearest name."""
    if is_storable(device_id):
        row = await connection.fetchrow(f"{_DEVICES} where d.id = $2", list(EXPECTED_TO_REPORT), device_id)
        if row is not None:
            return _summary(row)
    known = [row["id"] for row in await connection.fetch("select id from devices order by lane, id")]
    near = nearest(device_id, known)
    meant = f"Did you mean {near}?" if near else "Start its daemon once, and it registers itself."
    raise CommandError(
        f"there is no device {clean(device_id, LONGEST_NAME)} in this database",
        hint=f"{meant} See `archstats-sensor devices list`.",
        code=ErrorCode.NOT_FOUND,
    )


def start_hint(device_id: str) -> str:
    """The remedy for a device whose daemon does not run."""
    return (
        f"Start it: on a hub `sudo systemctl start archstats-sensor@{device_id}`, elsewhere "
        f"`archstats-sensor run {device_id}`."
    )


def _summary(row: asyncpg.Record) -> DeviceSummary:
    return DeviceSummary(**{**row, "kind": DeviceKind(row["kind"]), "state": DeviceState(row["state"])})
