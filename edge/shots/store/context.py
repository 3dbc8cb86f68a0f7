"""The stage of a session: everything that assembly wants to know but the readings, on one axis of time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.shots.assembly.model import (
    Arrow,
    BlindInterval,
    Face,
    LaneAssignment,
    PreviousSession,
    ReadingKey,
    SessionContext,
    Target,
    TimedReading,
)
from edge.shots.assembly.parameters import Parameters
from edge.shots.assembly.timeline import Axis
from edge.shots.faces import load_catalogue
from edge.shots.store.corrections import Rulings

MULTIPLE_FACES = frozenset(code for code, face in load_catalogue().items() if len(face.spots) > 1)

_SESSIONS = """
select s.*, t.id as target_id, t.max_x, t.max_y, t.distance::float8 as distance
from sessions s left join targets t on t.session_id = s.id
"""
# Sessions of a lane that were closed not long before an instant, or after it; $3, $4 and $5 are the instant.
_CLOSED_AROUND = """
where s.lane = $1 and s.id <> $2 and not s.is_opened and case
    when s.closing_host_boot_id = $5 and s.closing_mono_ns is not null and $4::bigint is not null
        then s.closing_mono_ns > $4 - 60000000000
    else coalesce(s.closing_time, s.end_time) > $3::timestamptz - interval '1 min' end
"""


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """A session with its axis and its devices, ready for readings."""

    context: SessionContext
    axis: Axis
    is_open: bool
    """The lane's present session: what is found of its devices is true of them now."""


async def read_watermarks(connection: Connection) -> dict[str, Instant]:
    """Up to when each device has told everything.

    To be read before the readings: a watermark speaks of what was stored before it, and read after them it would call an
    arrow missed whose landing was stored in between.
    """
    rows = await connection.fetch(
        "select device_id, watermark, watermark_mono_ns, watermark_host_boot_id from device_status where watermark is not null"
    )
    return {r["device_id"]: Instant(r["watermark"], r["watermark_mono_ns"], r["watermark_host_boot_id"]) for r in rows}


async def load_snapshot(
    connection: Connection,
    session_id: UUID,
    moments: Sequence[Instant],
    rulings: Rulings,
    told: Mapping[str, Instant],
) -> SessionSnapshot | None:
    """Everything but the readings; ``moments`` are theirs, for the axis. None when the session is gone."""
    row = await connection.fetchrow(_SESSIONS + " where s.id = $1", session_id)
    if row is None:
        return None
    start = _start(row)
    axis = Axis(start, moments)
    closing = _closing(row)
    devices = await connection.fetch("select * from session_devices where session_id = $1", session_id)
    names = [device["device_id"] for device in devices]
    gaps = await connection.fetch(
        """
        select * from device_gaps
        where device_id = any($1) and (until >= $2::timestamptz - interval '1 day' or until_host_boot_id = $3)
        """,
        names,
        start.at,
        start.host_boot_id,
    )
    marks = await connection.fetch("select at, mono_ns, host_boot_id from end_marks where session_id = $1", session_id)
    arrows = await connection.fetch("select id, diameter, is_active, voided_date from arrows")
    now = await _now(connection)
    context = SessionContext(
        session_id=session_id,
        lane=row["lane"],
        starts=0.0,
        closes=axis.place(closing) if closing else None,
        is_indoor=row["is_indoor"],
        end_timeout_s=row["end_timeout_s"],
        target=await _target(connection, row),
        bows=frozenset(d["device_id"] for d in devices if d["kind"] == "bow"),
        targets=frozenset(d["device_id"] for d in devices if d["kind"] == "target"),
        now=axis.place(now),
        watermarks=_watermarks(axis, devices, told),
        blind=[
            BlindInterval(
                gap["device_id"],
                axis.place(Instant(gap["since"], gap["since_mono_ns"], gap["since_host_boot_id"])),
                axis.place(Instant(gap["until"], gap["until_mono_ns"], gap["until_host_boot_id"])),
            )
            for gap in gaps
        ],
        arrows={a["id"]: _arrow(a, axis) for a in arrows},
        arrows_per_end=row["arrows_per_end"],
        end_marks=[axis.place(Instant(m["at"], m["mono_ns"], m["host_boot_id"])) for m in marks],
        corrections=rulings.corrections,
        stays=_stays(axis, devices),
        before=_before(
            axis,
            await connection.fetch(
                _SESSIONS + _CLOSED_AROUND, row["lane"], session_id, start.at, start.mono_ns, start.host_boot_id
            ),
        ),
    )
    return SessionSnapshot(context, axis, row["is_opened"])


def _start(session: asyncpg.Record) -> Instant:
    return Instant(session["start_time"], session["start_mono_ns"], session["start_host_boot_id"])


def _before(axis: Axis, others: Sequence[asyncpg.Record]) -> PreviousSession | None:
    """The last session that the lane had before the one that the axis begins with."""
    found: list[PreviousSession] = []
    for other in others:
        closing = _closing(other)
        if closing is not None and axis.place(_start(other)) < 0.0:
            closes = axis.place(closing)
            found.append(PreviousSession(closes, closes + Parameters().longest_flight_s(other["distance"])))
    return max(found, key=lambda before: before.closes, default=None)


def _closing(session: asyncpg.Record) -> Instant | None:
    """When the last arrow could be released; None while nobody asked for the closing."""
    if session["closing_time"] is not None:
        return Instant(session["closing_time"], session["closing_mono_ns"], session["closing_host_boot_id"])
    return None if session["end_time"] is None else Instant(session["end_time"])


async def _now(connection: Connection) -> Instant:
    """The database's clock, and this host's monotonic one, which decides where the session was opened in this boot."""
    at = await connection.fetchval("select clock_timestamp()")
    here = host_now()
    return Instant(at, here.mono_ns, here.host_boot_id)


def _arrow(row: asyncpg.Record, axis: Axis) -> Arrow:
    voided = None if row["voided_date"] is None else axis.place(Instant(row["voided_date"]))
    return Arrow(row["id"], row["diameter"], row["is_active"], voided)


def _stays(axis: Axis, devices: Sequence[asyncpg.Record]) -> dict[str, list[LaneAssignment]]:
    """When each device was on the lane."""
    stays: dict[str, list[LaneAssignment]] = defaultdict(list)
    for d in devices:
        since = Instant(d["since"], d["since_mono_ns"], d["since_host_boot_id"]) if d["since"] is not None else None
        until = Instant(d["until"], d["until_mono_ns"], d["until_host_boot_id"]) if d["until"] is not None else None
        stays[d["device_id"]].append(
            LaneAssignment(axis.place(since) if since else -math.inf, axis.place(until) if until else math.inf)
        )
    return dict(stays)


def _watermarks(axis: Axis, devices: Sequence[asyncpg.Record], told: Mapping[str, Instant]) -> dict[str, float]:
    """Up to when each device has told everything: as it is now, or as it was when the session closed."""
    kept = {
        d["device_id"]: axis.place(
            Instant(d["watermark_at_close"], d["watermark_at_close_mono_ns"], d["watermark_at_close_host_boot_id"])
        )
        for d in devices
        if d["watermark_at_close"] is not None
    }
    now = {d["device_id"]: axis.place(told[d["device_id"]]) for d in devices if d["device_id"] in told}
    return {device: max(kept.get(device, t), now.get(device, t)) for device, t in {**kept, **now}.items()}


async def _target(connection: Connection, row: asyncpg.Record) -> Target | None:
    if row["target_id"] is None:
        return None
    faces = await connection.fetch(
        "select * from faces where target_id = $1 order by human_identifier", row["target_id"]
    )
    return Target(
        row["max_x"],
        row["max_y"],
        row["distance"],
        tuple(
            Face(
                f["id"], f["version"], f["x"], f["y"], tuple(f["radii"]), tuple(f["points"]), f["x_radius"],
                is_spot=f["code"] in MULTIPLE_FACES,
            )
            for f in faces
        ),
    )  # fmt: skip


def moment_of(row: asyncpg.Record) -> Instant:
    """When a reading was."""
    return Instant(row["at"], row["mono_ns"], row["host_boot_id"])


def sensed(row: asyncpg.Record, axis: Axis) -> TimedReading:
    """A row of ``readings`` as assembly sees it, its instant told by the session's clock."""
    t = axis.place(moment_of(row))
    return TimedReading(
        key=ReadingKey(row["device_id"], row["stream_id"], row["seq"]),
        kind=row["kind"],
        t=t,
        at=axis.instant(t),
        error_s=row["uncertainty_s"],
        tag=row["tag"],
        tags=None if row["tags"] is None else tuple(row["tags"]),
        x=row["x_mm"],
        y=row["y_mm"],
        rssi=row["rssi_dbm"],
        cause=row["cause"],
        receive_delay_s=(row["received_at"] - row["at"]).total_seconds(),
    )
