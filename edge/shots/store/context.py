"""Loads a session for assembly: its readings, devices, target and corrections, on one time axis."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from drivers.clock.host import remote_now
from drivers.clock.instant import Instant, instant_of, optional_instant_of
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceKind
from edge.shots.assembly.context import Parameters, SessionContext
from edge.shots.assembly.model import Arrow, CorrectionSet, Face, Target, TimedReading
from edge.shots.assembly.timeline import Axis, BlindInterval, LaneAssignment, PreviousSession
from edge.shots.faces import load_catalogue
from edge.shots.store import readings as reading_rows
from edge.shots.store.corrections import read_corrections
from edge.shots.store.instants import SqlInstant, is_before

MULTIPLE_FACES = frozenset(code for code, face in load_catalogue().items() if len(face.spots) > 1)
"""Codes of the faces with several spots."""

_SESSIONS = """
select s.*, t.id as target_id, t.max_x, t.max_y, t.distance::float8 as distance
from sessions s left join targets t on t.session_id = s.id
"""
# Sessions of a lane that were closed less than a minute before an instant, or after it; $3, $4 and $5 are the instant.
_A_MINUTE_BEFORE = SqlInstant.of_parameters(3).shifted("-interval '1 min'")
_CLOSING = SqlInstant.of_columns("s.closing_time").or_at("s.end_time")
_CLOSED_AROUND = f"""
where s.lane = $1 and s.id <> $2 and not s.is_opened and {is_before(_A_MINUTE_BEFORE, _CLOSING)}
"""


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """One session at one instant: everything that assembly takes."""

    readings: list[TimedReading]
    context: SessionContext
    axis: Axis
    is_open: bool
    """The session is the lane's current one, so that its findings about devices apply now."""


async def read_watermarks(connection: Connection) -> dict[str, Instant]:
    """Read the watermark of each device: every event up to this instant is stored.

    Read the watermarks before the readings. In the other order a landing stored in between would be behind a watermark
    without being known, and its arrow would count as a miss.
    """
    rows = await connection.fetch(
        "select device_id, watermark, watermark_mono_ns, watermark_host_boot_id from device_status where watermark is not null"
    )
    return {row["device_id"]: instant_of(row, "watermark") for row in rows}


async def load_snapshot(
    connection: Connection,
    session_id: UUID,
    rows: Sequence[asyncpg.Record] | None = None,
    corrections: CorrectionSet | None = None,
    watermarks: Mapping[str, Instant] | None = None,
) -> SessionSnapshot | None:
    """Load a session without writing anything; None when there is no such session.

    ``rows`` are its readings as stored. Arguments that are None are read from the tables; where rows are given, the
    watermarks must be older than they are.
    """
    if watermarks is None:
        watermarks = await read_watermarks(connection)
    if rows is None:
        rows = await reading_rows.readings_of(connection, session_id)
    if corrections is None:
        corrections = await read_corrections(connection, session_id)
    row = await connection.fetchrow(_SESSIONS + " where s.id = $1", session_id)
    if row is None:
        return None
    start = instant_of(row, "start_time")
    axis = Axis(start, [instant_of(reading) for reading in rows])
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
    # The monotonic clock decides when the session began in this boot, otherwise the database's clock.
    now = await remote_now(lambda: connection.fetchval("select clock_timestamp()"))
    context = SessionContext(
        session_id=session_id,
        lane=row["lane"],
        starts=0.0,
        closes=axis.seconds_of(closing) if closing else None,
        is_indoor=row["is_indoor"],
        end_timeout_s=row["end_timeout_s"],
        target=await _target(connection, row),
        bows=frozenset(d["device_id"] for d in devices if d["kind"] == DeviceKind.BOW),
        targets=frozenset(d["device_id"] for d in devices if d["kind"] == DeviceKind.TARGET),
        now=axis.seconds_of(now),
        watermarks=_watermarks(axis, devices, watermarks),
        blind=[
            BlindInterval(
                gap["device_id"],
                axis.seconds_of(instant_of(gap, "since")),
                axis.seconds_of(instant_of(gap, "until")),
            )
            for gap in gaps
        ],
        arrows={a["id"]: _arrow(a, axis) for a in arrows},
        arrows_per_end=row["arrows_per_end"],
        end_marks=[axis.seconds_of(instant_of(mark)) for mark in marks],
        corrections=corrections,
        assignments=_assignments(axis, devices),
        previous=_previous(
            axis,
            await connection.fetch(_SESSIONS + _CLOSED_AROUND, row["lane"], session_id, *start.columns),
        ),
    )
    readings = [reading_rows.timed_reading(reading, axis) for reading in rows]
    return SessionSnapshot(readings, context, axis, row["is_opened"])


def _previous(axis: Axis, others: Sequence[asyncpg.Record]) -> PreviousSession | None:
    """The lane's last session before the one at whose start the axis begins."""
    found: list[PreviousSession] = []
    for other in others:
        closing = _closing(other)
        if closing is not None and axis.seconds_of(instant_of(other, "start_time")) < 0.0:
            closes = axis.seconds_of(closing)
            found.append(PreviousSession(closes, closes + Parameters().longest_flight_s(other["distance"])))
    return max(found, key=lambda previous: previous.closes, default=None)


def _closing(session: asyncpg.Record) -> Instant | None:
    """The instant after which no release belongs to the session; None while no closing was requested."""
    if session["closing_time"] is None and session["end_time"] is not None:
        return Instant(session["end_time"])
    return optional_instant_of(session, "closing_time")


def _arrow(row: asyncpg.Record, axis: Axis) -> Arrow:
    voided = None if row["voided_date"] is None else axis.seconds_of(Instant(row["voided_date"]))
    return Arrow(row["id"], row["diameter"], row["is_active"], voided)


def _assignments(axis: Axis, devices: Sequence[asyncpg.Record]) -> dict[str, list[LaneAssignment]]:
    """The intervals in which each device is assigned to the lane."""
    assignments: dict[str, list[LaneAssignment]] = defaultdict(list)
    for d in devices:
        since, until = optional_instant_of(d, "since"), optional_instant_of(d, "until")
        assignments[d["device_id"]].append(
            LaneAssignment(
                axis.seconds_of(since) if since else -math.inf, axis.seconds_of(until) if until else math.inf
            )
        )
    return dict(assignments)


def _watermarks(axis: Axis, devices: Sequence[asyncpg.Record], current: Mapping[str, Instant]) -> dict[str, float]:
    """The later of each device's current watermark and its watermark when the session closed."""
    kept = {
        d["device_id"]: axis.seconds_of(instant_of(d, "watermark_at_close"))
        for d in devices
        if d["watermark_at_close"] is not None
    }
    now = {d["device_id"]: axis.seconds_of(current[d["device_id"]]) for d in devices if d["device_id"] in current}
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
