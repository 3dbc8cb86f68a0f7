"""Read everything that the certificate of a session says, of one instant."""

from __future__ import annotations

import json
from uuid import UUID

from drivers.clock.instant import Instant
from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CorrectionKind, DeviceKind, ErrorCode, OrphanStatus
from edge.operator.export.certificate import (
    Certificate,
    CertifiedCorrection,
    GapReason,
    StoredCalibration,
    active_calibrations,
    certified_devices,
    counts_of,
)
from edge.operator.export.reading import no_session, one_instant, sheet_source
from edge.operator.export.sheet import SheetSource
from edge.operator.rescoring import rescores_of
from edge.shots.store.context import SessionSnapshot, load_snapshot

_DEVICES = """
select distinct on (d.device_id) d.device_id, d.kind, v.driver from session_devices d left join devices v on v.id = d.device_id
where d.session_id = $1 order by d.device_id
"""
_GAPS = """
select g.device_id, g.since, g.since_mono_ns, g.since_host_boot_id, g.until, g.until_mono_ns, g.until_host_boot_id, g.reason
from device_gaps g join sessions s on s.id = $1
where g.device_id in (select device_id from session_devices where session_id = s.id)
    and (g.until >= s.start_time - interval '1 day' or g.until_host_boot_id = s.start_host_boot_id)
"""
_CORRECTIONS = """
select c.at, c.who, c.kind, c.reason, c.old::text as old, c.new::text as new, h.id as shot_id
from corrections c left join lateral (
    select id from shots where session_id = c.session_id
        and ((release_device_id, release_stream_id, release_seq) = (c.device_id, c.stream_id, c.seq)
            or (landing_device_id, landing_stream_id, landing_seq) = (c.device_id, c.stream_id, c.seq))
    order by result = 'void', id limit 1
) h on true
where c.session_id = $1 order by c.id
"""
_CALIBRATIONS = """
select c.id, c.version, c.who, c.at, c.face_code from calibrations c
where c.device_id in (select device_id from session_devices where session_id = $1)
"""
_PLACED = """
select calibration_id, count(*) as shots from shots
where session_id = $1 and landing_seq is not null and result <> 'void' group by calibration_id
"""
_SOURCES = """
select source from shots h join readings r
    on (r.device_id, r.stream_id, r.seq) = (h.release_device_id, h.release_stream_id, h.release_seq) where h.session_id = $1
union
select source from shots h join readings r
    on (r.device_id, r.stream_id, r.seq) = (h.landing_device_id, h.landing_stream_id, h.landing_seq) where h.session_id = $1
order by source
"""
_ASSEMBLIES = "select distinct rule_version from shots where session_id = $1 order by rule_version"
_FACES = """
select distinct f.code || ' (' || f.version || ')' as face from faces f join targets t on t.id = f.target_id
where t.session_id = $1 order by face
"""


async def read_certificate(connection: Connection, session_id: UUID) -> Certificate:
    """Read the certificate of a session.

    Raises CommandError when it does not exist, and at a centre, which does not have the assignments of devices to lanes.
    """
    if await connection.fetchval("select is_centre from installation"):
        raise CommandError(
            "this is the centre of several hubs, which does not know when devices were proven to work",
            hint="Make the certificate on the session's hub.",
            code=ErrorCode.AT_CENTRE,
        )
    async with one_instant(connection):
        source = await sheet_source(connection, session_id)
        seen = await load_snapshot(connection, session_id)
        if seen is None:
            raise no_session(session_id)
        return await _certificate(connection, session_id, source, seen)


async def _certificate(
    connection: Connection, session_id: UUID, source: SheetSource, seen: SessionSnapshot
) -> Certificate:
    devices = {
        row["device_id"]: (DeviceKind(row["kind"]), row["driver"])
        for row in await connection.fetch(_DEVICES, session_id)
    }
    seconds = seen.axis.seconds_of
    gaps = [
        GapReason(row[0], seconds(Instant(*row[1:4])), seconds(Instant(*row[4:7])), row["reason"])
        for row in await connection.fetch(_GAPS, session_id)
    ]
    stored = {
        row["id"]: StoredCalibration(row["version"], row["who"], row["at"], row["face_code"])
        for row in await connection.fetch(_CALIBRATIONS, session_id)
    }
    placed = {row["calibration_id"]: row["shots"] for row in await connection.fetch(_PLACED, session_id)}
    orphans = await connection.fetch(
        "select status, count(*) as landings from orphans where session_id = $1 group by status", session_id
    )
    return Certificate(
        head=source.head,
        sources=[row["source"] for row in await connection.fetch(_SOURCES, session_id)],
        devices=certified_devices(seen.context, seen.axis, devices, gaps),
        calibrations=active_calibrations(seen.context, seen.axis, stored, placed),
        corrections=await _corrections(connection, session_id, source),
        rescores=await rescores_of(connection, session_id),
        counts=counts_of(source, {OrphanStatus(row["status"]): row["landings"] for row in orphans}),
        faces=[row["face"] for row in await connection.fetch(_FACES, session_id)],
        assembly_versions=[row[0] for row in await connection.fetch(_ASSEMBLIES, session_id)],
        made_at=await connection.fetchval("select clock_timestamp()"),
    )


async def _corrections(connection: Connection, session_id: UUID, source: SheetSource) -> list[CertifiedCorrection]:
    numbers = {shot.id: number for number, shot in enumerate(source.facts.shots, 1)}
    return [
        CertifiedCorrection(
            row["at"],
            row["who"],
            CorrectionKind(row["kind"]),
            row["reason"],
            numbers.get(row["shot_id"]),
            json.loads(row["old"]),
            json.loads(row["new"]),
        )
        for row in await connection.fetch(_CORRECTIONS, session_id)
    ]
