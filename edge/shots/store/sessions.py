"""Sessions as stored: everything that assembly takes of them but the readings, many sessions in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from drivers.clock.instant import Instant
from edge.common.frames import SensorMap
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceKind, SensorOrigin
from edge.shots.assembly.boots import Boot, BootOrder
from edge.shots.assembly.model import CorrectionSet, Face, Slot, Target
from edge.shots.assembly.placement import Calibration
from edge.shots.assembly.window import DeviceInterval, SessionWindow
from edge.shots.store.corrections import valid_corrections
from edge.shots.store.instants import SqlInstant


@dataclass(frozen=True, slots=True)
class Gap:
    """Interval in which a device was blind: of several rows that touch or overlap."""

    device_id: str
    since: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class EarlierSession:
    """The session of the same lane before this one."""

    closing: Instant
    distance_m: float | None


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """An activation of a target's calibration, or the choice of one by a rescore; None for the nominal place of the sensor."""

    device_id: str
    at: Instant | None
    """None for a choice: it is valid for all landings up to the next activation."""
    calibration: Calibration | None


@dataclass(frozen=True, slots=True)
class SessionRows:
    """One session with its devices, target, gaps, marks and corrections."""

    session_id: UUID
    lane: int
    revision: int
    """See ``session_changes``; 0 for a session that never changed since it was recorded there."""
    window: SessionWindow
    is_indoor: bool
    arrows_per_end: int
    end_timeout_s: float
    target: Target | None
    slots: Sequence[Slot]
    rule_set: str
    rule_set_version: int
    bows: frozenset[str]
    targets: frozenset[str]
    scanners: frozenset[str]
    dead_times_s: Mapping[str, float]
    """Of the devices whose dead time is not the usual one."""
    watermarks_at_close: Mapping[str, Instant]
    gaps: Sequence[Gap]
    marks: Sequence[Instant]
    corrections: CorrectionSet
    earlier: EarlierSession | None
    origins: Mapping[str, SensorOrigin] = field(default_factory=dict)
    """Point that the positions of each target count from."""
    activations: Sequence[ActivationRow] = ()
    """The calibrations of its targets that were or became active in it, in the order of their activation."""


_CLOSING = SqlInstant.of_columns("o.closing_time").or_at("o.end_time")
# The gaps of a device whose past is unknown begin in 1970; those that ended a day before the session concern none of its shots.
# A sensor that chatters leaves one every ten seconds: those of one boot that touch or overlap are read as one, so that neither
# memory nor a look-up grows with them.
_GAPS = """
select device_id, min(since) as since, min(since_mono_ns) as since_mono_ns, since_host_boot_id,
    max(until) as until, max(until_mono_ns) as until_mono_ns, until_host_boot_id
from (
    select *, count(*) filter (where (since_mono_ns <= covered_ns) is not true) over own as number
    from (
        select *, max(until_mono_ns) over (own rows between unbounded preceding and 1 preceding) as covered_ns
        from (
            select *, case when (since_host_boot_id = until_host_boot_id and since_mono_ns <= until_mono_ns) is not true
                then stream_id end as alone
            from device_gaps g
            where g.device_id in (select device_id from session_devices where session_id = s.id)
                and (g.until >= s.start_time - interval '1 day' or g.until_host_boot_id = s.start_host_boot_id)
        ) known
        window own as (partition by device_id, since_host_boot_id, until_host_boot_id, alone
            order by since_mono_ns, stream_id, since)
    ) measured
    window own as (partition by device_id, since_host_boot_id, until_host_boot_id, alone
        order by since_mono_ns, stream_id, since)
) numbered
group by device_id, since_host_boot_id, until_host_boot_id, alone, number
"""
# The last one from before the session, and everything later; the newest ones too, because a wall clock that was wrong may have
# dated one of them long before. Neither grows with the years.
_ACTIVATIONS = """
select a.id, a.device_id, a.at, a.mono_ns, a.host_boot_id, c.id as calibration_id, c.sigma_mm, c.parameters
from (select distinct device_id from session_devices where session_id = s.id and kind = 'target') d
cross join lateral (
    (select * from calibration_activations n where n.device_id = d.device_id and n.kind = 'target' order by n.id desc limit 16)
    union
    (select * from calibration_activations l where l.device_id = d.device_id and l.kind = 'target'
        and l.at >= s.start_time - interval '1 day' order by l.at, l.id limit 500)
    union
    (select * from calibration_activations e where e.device_id = d.device_id and e.kind = 'target'
        and e.at < s.start_time - interval '1 day' order by e.at desc, e.id desc limit 1)
) a
left join calibrations c on c.id = a.calibration_id
union all
select r.after_activation, r.device_id, null, null, null, c.id, c.sigma_mm, c.parameters
from rescored_calibrations r left join calibrations c on c.id = r.calibration_id
where r.rescore_id = (select id from rescores where session_id = s.id order by id desc limit 1)
order by 1, 3 nulls last
"""
_SESSIONS = f"""
select s.id, s.lane, s.is_opened, s.start_time, s.start_mono_ns, s.start_host_boot_id, s.closing_time, s.closing_mono_ns,
    s.closing_host_boot_id, s.end_time, s.is_indoor, s.arrows_per_end, s.end_timeout_s,
    s.rule_set, s.rule_set_version, s.x_points,
    coalesce((select revision from session_changes where session_id = s.id), 0) as revision,
    t.id as target_id, t.max_x, t.max_y, t.distance::float8 as distance,
    array(select row(d.device_id, d.kind, d.sensor_origin, d.dead_time_s, d.since, d.since_mono_ns, d.since_host_boot_id,
        d.until, d.until_mono_ns, d.until_host_boot_id,
        d.watermark_at_close, d.watermark_at_close_mono_ns, d.watermark_at_close_host_boot_id)
        from session_devices d where d.session_id = s.id) as devices,
    array(select row(g.device_id, g.since, g.since_mono_ns, g.since_host_boot_id, g.until, g.until_mono_ns, g.until_host_boot_id)
        from ({_GAPS}) g) as gaps,
    array(select row(a.device_id, a.at, a.mono_ns, a.host_boot_id, a.calibration_id, a.sigma_mm,
        (a.parameters ->> 'xx')::float8, (a.parameters ->> 'xy')::float8, (a.parameters ->> 'yx')::float8,
        (a.parameters ->> 'yy')::float8, (a.parameters ->> 'x0_mm')::float8, (a.parameters ->> 'y0_mm')::float8, a.parameters ->> 'sensor_origin',
        (t.max_x - (a.parameters ->> 'butt_width_mm')::float8) / 2, (t.max_y - (a.parameters ->> 'butt_height_mm')::float8) / 2)
        from ({_ACTIVATIONS}) a) as activations,
    array(select row(p.id, p.bow_device_id, array(select f.id from faces f where f.target_id = t.id and f.name = p.face))
        from slots p where p.session_id = s.id order by p.letter) as slots,
    array(select row(m.at, m.mono_ns, m.host_boot_id) from end_marks m where m.session_id = s.id) as marks,
    (select row({_CLOSING.at}, {_CLOSING.mono_ns}, {_CLOSING.host_boot_id},
            (select t.distance::float8 from targets t where t.session_id = o.id))
        from sessions o where o.lane = s.lane and o.number < s.number and not o.is_opened
        order by o.number desc limit 1) as earlier
from sessions s left join targets t on t.session_id = s.id where s.id = any($1)
"""  # noqa: S608 - fixed text
# The spots of a multiple face share its name.
_FACES = """
select f.*, count(*) over (partition by f.target_id, f.name) > 1 as is_spot
from faces f where f.target_id = any($1) order by f.human_identifier
"""
# The end of a boot counts once the next boot of the host is known. Until then it changes every minute.
_BOOTS = """
select b.host_boot_id as id, b.host_id, b.number, b.seen_after,
    coalesce(b.zero_at, b.first_at - b.first_clock_ns / 1000 * interval '1 microsecond') as zero_at,
    b.zero_at is not null as is_dated,
    case when exists (select from host_boots l where l.number > b.seen_after and (l.host_id = b.host_id) is not false)
        then b.mono_ns end as end_ns
from host_boots b
"""
_CORRECTIONS = """
select session_id, kind, device_id, stream_id, seq, reason, new::text as new
from corrections where session_id = any($1) order by id
"""


async def read_sessions(connection: Connection, sessions: Collection[UUID]) -> dict[UUID, SessionRows]:
    """Read sessions by id, those that exist.

    The revision is read before faces and corrections, so that what changes in between is read again.
    """
    if not sessions:
        return {}
    rows = await connection.fetch(_SESSIONS, list(sessions))
    boots = BootOrder.of(Boot(**dict(boot)) for boot in await connection.fetch(_BOOTS))
    entered: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await connection.fetch(_CORRECTIONS, list(sessions)):
        entered[row["session_id"]].append(row)
    faces: dict[UUID, list[Face]] = defaultdict(list)
    x_points = {row["target_id"]: row["x_points"] for row in rows if row["target_id"] is not None}
    for face in await connection.fetch(_FACES, list(x_points)):
        faces[face["target_id"]].append(_face(face, x_points[face["target_id"]]))
    return {
        row["id"]: _session(row, valid_corrections(entered[row["id"]]), tuple(faces[row["target_id"]]), boots)
        for row in rows
    }


async def open_sessions(connection: Connection, within_s: float) -> dict[UUID, int]:
    """The lanes of the open sessions and of those closed less than ``within_s`` ago: a silent device may still report.

    Of each lane at most the last twenty, as for ``recent_sessions`` in the schema: a wall clock of 1972 would find the sessions
    of all years.
    """
    rows = await connection.fetch(
        """
        with recursive lanes as (
            select min(lane) as lane from sessions
            union all
            select (select min(s.lane) from sessions s where s.lane > l.lane) from lanes l where l.lane is not null
        )
        select s.id, l.lane from lanes l cross join lateral (
            select id, end_time from sessions where lane = l.lane order by number desc limit 20
        ) s where s.end_time > now() - make_interval(secs => $1)
        union
        select id, lane from sessions where is_opened
        """,
        within_s,
    )
    return {row["id"]: row["lane"] for row in rows}


def _session(row: asyncpg.Record, corrections: CorrectionSet, faces: tuple[Face, ...], boots: BootOrder) -> SessionRows:
    devices: dict[str, list[DeviceInterval]] = defaultdict(list)
    kinds: dict[str, DeviceKind] = {}
    dead_times_s: dict[str, float] = {}
    at_close: dict[str, Instant] = {}
    origins: dict[str, SensorOrigin] = {}
    for device, kind, origin, dead_time_s, *values in row["devices"]:
        origins[device] = SensorOrigin(origin or SensorOrigin.LOWER_LEFT)
        devices[device].append(DeviceInterval(_instant(*values[0:3]), _instant(*values[3:6])))
        kinds[device] = DeviceKind(kind)
        if dead_time_s is not None:
            dead_times_s[device] = dead_time_s
        if (watermark := _instant(*values[6:9])) is not None:
            at_close[device] = watermark
    start = Instant(row["start_time"], row["start_mono_ns"], row["start_host_boot_id"])
    closing = _instant(row["closing_time"], row["closing_mono_ns"], row["closing_host_boot_id"])
    if closing is None and row["end_time"] is not None:
        closing = Instant(row["end_time"])
    return SessionRows(
        session_id=row["id"],
        lane=row["lane"],
        revision=row["revision"],
        window=SessionWindow(start, closing, row["end_time"], dict(devices), boots),
        is_indoor=row["is_indoor"],
        arrows_per_end=row["arrows_per_end"],
        end_timeout_s=row["end_timeout_s"],
        target=None if row["target_id"] is None else Target(row["max_x"], row["max_y"], row["distance"], faces),
        slots=[Slot(i, bow, frozenset(of_slot)) for i, bow, of_slot in row["slots"]],
        rule_set=row["rule_set"],
        rule_set_version=row["rule_set_version"],
        bows=frozenset(device for device, kind in kinds.items() if kind is DeviceKind.BOW),
        targets=frozenset(device for device, kind in kinds.items() if kind is DeviceKind.TARGET),
        scanners=frozenset(device for device, kind in kinds.items() if kind is DeviceKind.ARROW),
        dead_times_s=dead_times_s,
        watermarks_at_close=at_close,
        gaps=[Gap(gap[0], Instant(*gap[1:4]), Instant(*gap[4:7])) for gap in row["gaps"]],
        marks=[Instant(*mark) for mark in row["marks"]],
        corrections=corrections,
        earlier=None if row["earlier"] is None else EarlierSession(Instant(*row["earlier"][0:3]), row["earlier"][3]),
        origins={device: origin for device, origin in origins.items() if kinds[device] is DeviceKind.TARGET},
        activations=[_activation(origins, *activation) for activation in row["activations"]],
    )


def _instant(at: datetime | None, mono_ns: int | None, host_boot_id: UUID | None) -> Instant | None:
    return None if at is None else Instant(at, mono_ns, host_boot_id)


def _activation(
    origins: Mapping[str, SensorOrigin],
    device_id: str,
    at: datetime | None,
    mono_ns: int | None,
    host_boot_id: UUID | None,
    calibration_id: UUID | None,
    sigma_mm: float,
    xx: float,
    xy: float,
    yx: float,
    yy: float,
    x0_mm: float,
    y0_mm: float,
    origin: str | None,
    wider_mm: float | None,
    higher_mm: float | None,
) -> ActivationRow:
    """An activation in a session whose devices count from ``origins``: a calibration from another origin does not apply.

    The last two are by how much the session's butt extends beyond that of the calibration on each side. Both are given
    around the same middle, for a session without a size has that of its face.
    """
    calibration = None
    if calibration_id is not None and (origin is None or origin == origins.get(device_id)):
        sensor_map = SensorMap(xx, xy, yx, yy, x0_mm + (wider_mm or 0.0), y0_mm + (higher_mm or 0.0))
        calibration = Calibration(calibration_id, sensor_map, sigma_mm)
    return ActivationRow(device_id, _instant(at, mono_ns, host_boot_id), calibration)


def _face(row: asyncpg.Record, x_points: int | None) -> Face:
    return Face(
        row["id"], row["version"], row["x"], row["y"], tuple(row["radii"]), tuple(row["points"]), row["x_radius"],
        is_spot=row["is_spot"], x_points=x_points,
    )  # fmt: skip
