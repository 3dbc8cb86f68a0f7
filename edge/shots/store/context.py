"""The context of assembly: a session's rows on its time axis, as they are known at one instant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from drivers.clock.host import remote_now
from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.shots.assembly.context import Parameters, SessionContext
from edge.shots.assembly.model import Arrow, TimedReading
from edge.shots.assembly.placement import Activation, Placement
from edge.shots.assembly.timeline import Axis, BlindInterval, LaneAssignment, PreviousSession
from edge.shots.store.readings import ReadingRow, readings_of, timed_reading
from edge.shots.store.sessions import SessionRows, read_sessions
from edge.shots.store.updates import ARROW_ROW, ArrowRow


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """One session at one instant: everything that assembly takes."""

    readings: list[TimedReading]
    context: SessionContext
    axis: Axis


async def load_snapshot(connection: Connection, session_id: UUID) -> SessionSnapshot | None:
    """Load one session without writing anything; None when there is no such session."""
    rows = (await read_sessions(connection, [session_id])).get(session_id)
    if rows is None:
        return None
    # In the other order a landing stored in between would be behind a watermark without being known, and count as a miss.
    watermarks = await read_watermarks(connection, [*rows.window.devices])
    readings = (await readings_of(connection, {session_id: rows.window})).get(session_id, [])
    arrows = await read_arrows(connection, readings)
    now = await remote_now(lambda: connection.fetchval("select clock_timestamp()"))
    axis = Axis(rows.window.start, [reading.instant for reading in readings], rows.window.boots)
    context = at_instant(context_of(rows, axis, arrows.values()), rows, axis, now, watermarks)
    return SessionSnapshot([timed_reading(reading, axis) for reading in readings], context, axis)


async def read_watermarks(connection: Connection, devices: Iterable[str]) -> dict[str, Instant]:
    """Read the watermarks of devices: every event up to this instant is stored."""
    rows = await connection.fetch(
        """
        select device_id, watermark, watermark_mono_ns, watermark_host_boot_id
        from device_status where device_id = any($1) and watermark is not null
        """,
        list(devices),
    )
    return {row[0]: Instant(*row[1:4]) for row in rows}


async def read_arrows(connection: Connection, readings: Iterable[ReadingRow]) -> dict[UUID, ArrowRow]:
    """Read the registered arrows among the tags of readings."""
    tags = {reading.tag for reading in readings if reading.tag is not None}
    rows = await connection.fetch(
        f"select {ARROW_ROW} as row from unnest($1::text[]) as tag join arrows a "  # noqa: S608 - fixed text
        "on a.id = case when length(tag) = 32 then tag::uuid end",
        sorted(tags),
    )
    arrows = [ArrowRow(*row["row"]) for row in rows]
    return {arrow.id: arrow for arrow in arrows}


def context_of(rows: SessionRows, axis: Axis, arrows: Iterable[ArrowRow]) -> SessionContext:
    """The context at no particular instant: without watermarks. Pure."""
    window = rows.window
    return SessionContext(
        session_id=rows.session_id,
        lane=rows.lane,
        starts=0.0,
        closes=None if window.closing is None else axis.seconds_of(window.closing),
        is_indoor=rows.is_indoor,
        end_timeout_s=rows.end_timeout_s,
        target=rows.target,
        bows=rows.bows,
        targets=rows.targets,
        scanners=rows.scanners,
        dead_times_s=rows.dead_times_s,
        now=0.0,
        blind=[BlindInterval(g.device_id, axis.seconds_of(g.since), axis.seconds_of(g.until)) for g in rows.gaps],
        arrows={arrow.id: arrow_on(axis, arrow) for arrow in arrows},
        arrows_per_end=rows.arrows_per_end,
        slots=rows.slots,
        rule_set=rows.rule_set,
        rule_set_version=rows.rule_set_version,
        end_marks=[axis.seconds_of(mark) for mark in rows.marks],
        corrections=rows.corrections,
        assignments={
            device: [
                LaneAssignment(
                    -math.inf if i.since is None else axis.seconds_of(i.since),
                    math.inf if i.until is None else axis.seconds_of(i.until),
                )
                for i in intervals
            ]
            for device, intervals in window.devices.items()
        },
        previous=_previous(rows, axis),
        placements=_placements(rows, axis),
    )


def at_instant(
    context: SessionContext, rows: SessionRows, axis: Axis, now: Instant, watermarks: Mapping[str, Instant]
) -> SessionContext:
    """The context at an instant, with the later of each device's watermark now and when the session closed. Pure."""
    known = {device: axis.seconds_of(watermark) for device, watermark in rows.watermarks_at_close.items()}
    for device in rows.window.devices:
        if device in watermarks:
            known[device] = max(known.get(device, -math.inf), axis.seconds_of(watermarks[device]))
    return context.at(axis.seconds_of(now), known)


def arrow_on(axis: Axis, row: ArrowRow) -> Arrow:
    """An arrow with the instant of its voiding on the axis. Pure."""
    voided = None if row.voided_at is None else axis.seconds_of(Instant(row.voided_at))
    return Arrow(row.id, row.diameter_mm, row.is_active, voided)


def _placements(rows: SessionRows, axis: Axis) -> dict[str, Placement]:
    """The place of each target's sensor, with the instants of the activations on the axis."""
    return {
        device: Placement(
            origin,
            tuple(
                Activation(-math.inf if one.at is None else axis.seconds_of(one.at), one.calibration)
                for one in rows.activations
                if one.device_id == device
            ),
        )
        for device, origin in rows.origins.items()
    }


def _previous(rows: SessionRows, axis: Axis) -> PreviousSession | None:
    """The lane's last session before this one."""
    if rows.earlier is None:
        return None
    closes = axis.seconds_of(rows.earlier.closing)
    return PreviousSession(closes, closes + Parameters().longest_flight_s(rows.earlier.distance_m))
