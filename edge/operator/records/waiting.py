"""Arrows that were shot in a session and are not in its shots yet, because the assembler is behind or does not run."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection

FLIGHT_S: Final = 10
"""Longest time after the end of its session at which an arrow in the air may land."""

# Instants are compared as the assembler does: by the monotonic clock within one boot, by the order of boots of one host, else by
# the wall clock. Each branch finds its rows by an index. What another session claimed is in its shots or landings.
_HELD: Final = f"""
with wanted as (
    select s.*, coalesce(s.closing_time, s.end_time) as over_at,
        case when s.closing_host_boot_id = s.start_host_boot_id
            then s.closing_mono_ns + {FLIGHT_S}000000000 end as last_ns,
        array(select b.host_boot_id
            from host_boots f join host_boots b on b.number > f.number and (b.host_id = f.host_id) is not false
            where f.host_boot_id = s.start_host_boot_id and not exists (
                select from host_boots c where c.host_boot_id = s.closing_host_boot_id
                    and c.number < b.number and (c.host_id = b.host_id) is not false)) as later
    from sessions s where s.id = $1
),
near as (
    select r.*, d.since, d.since_mono_ns, d.since_host_boot_id, d.until, d.until_mono_ns, d.until_host_boot_id
    from wanted w join session_devices d on d.session_id = w.id cross join lateral (
        select * from readings where device_id = d.device_id and not is_surplus
            and host_boot_id = w.start_host_boot_id and mono_ns >= w.start_mono_ns and (mono_ns > w.last_ns) is not true
        union all
        select * from readings where device_id = d.device_id and not is_surplus
            and at >= w.start_time and at <= coalesce(w.over_at, 'infinity') + interval '{FLIGHT_S} s'
        union all
        select r.* from unnest(w.later) as later (id) cross join lateral (
            select * from readings where device_id = d.device_id and not is_surplus and host_boot_id = later.id offset 0
        ) r
    ) r
    where r.kind in ('release', 'landing') and r.cause is distinct from 'removed'
),
held as (
    select r.*, w.lane, flight.s * interval '1 s' as flight, flight.s * 1000000000::bigint as flight_ns
    from near r cross join wanted w
        cross join lateral (select case r.kind when 'landing' then {FLIGHT_S} else 0 end as s) flight
    where is_not_before(r.at, r.mono_ns, r.host_boot_id, w.start_time, w.start_mono_ns, w.start_host_boot_id)
        and (w.over_at is null or not is_not_before(r.at, r.mono_ns - 1, r.host_boot_id,
            w.over_at + flight.s * interval '1 s' + interval '1 microsecond',
            w.closing_mono_ns + flight.s * 1000000000::bigint, w.closing_host_boot_id))
        and is_not_before(r.at, r.mono_ns, r.host_boot_id, r.since, r.since_mono_ns, r.since_host_boot_id)
        and (r.until is null or not is_not_before(r.at, r.mono_ns, r.host_boot_id,
            r.until, r.until_mono_ns, r.until_host_boot_id))
        and not exists (select from shots s where (s.release_device_id, s.release_stream_id, s.release_seq)
            = (r.device_id, r.stream_id, r.seq))
        and not exists (select from shots s where (s.landing_device_id, s.landing_stream_id, s.landing_seq)
            = (r.device_id, r.stream_id, r.seq))
        and not exists (select from orphans o where (o.device_id, o.stream_id, o.seq) = (r.device_id, r.stream_id, r.seq))
)
"""  # noqa: S608 - fixed text
_WAITING: Final = f"{_HELD} select exists (select from held)"  # noqa: S608 - fixed text
_LEFT_OUT: Final = """
select exists (
    select from held r join assembly_progress p on p.share = r.lane % 16
    where r.xid >= p.before_xid and (
        not is_not_before(r.at, r.mono_ns, r.host_boot_id, $2, $3, $4)
        or is_not_before(r.at, r.mono_ns - 1, r.host_boot_id,
            $5::timestamptz + r.flight + interval '1 microsecond', $6::bigint + r.flight_ns, $7) and $5 is not null))
"""


async def has_waiting(connection: Connection, session_id: UUID) -> bool:
    """Whether a release or a landing of a session's devices lies in its time, and in no shot. In doubt it does."""
    found: bool = await connection.fetchval(_WAITING, session_id)
    return found


async def leaves_out_waiting(connection: Connection, session_id: UUID, start: Instant, end: Instant | None) -> bool:
    """Whether another time of a session would leave out what the assembler has not read yet."""
    ending = (None, None, None) if end is None else end.columns
    found: bool = await connection.fetchval(_HELD + _LEFT_OUT, session_id, *start.columns, *ending)
    return found
