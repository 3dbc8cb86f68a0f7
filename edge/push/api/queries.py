"""SQL of devices and lanes, which several answers contain."""

from edge.common.advice import SESSION_VALUES
from edge.common.vocabulary import DeviceState
from edge.push.api.advice import with_commands
from edge.push.api.rows import rows
from edge.push.http.read_pool import ReadPool

# A device is silent when nothing was heard from it for three of its intervals. Each boot but its first leaves a gap that
# ends when the boot begins; lost and hidden events leave gaps, too.
_DEVICE = """
    select d.id, d.kind, d.driver, d.lane, s.source, s.battery_percent, s.rssi_dbm, s.firmware, s.error, s.hint,
        s.since, s.updated_at, s.watermark, coalesce(s.chatters, false) as chatters,
        coalesce(s.spool_rows, 0) as spool_rows, s.spool_bytes, s.spool_oldest_at, s.spool_error,
        case when s.device_id is null then $2::text
            when s.state = any($3::text[]) and clock_timestamp() - s.updated_at > 3 * s.interval_s * interval '1 s'
            then $4::text else public_state(s) end as state,
        round(extract(epoch from clock_timestamp() - s.updated_at)::numeric, 3) as age_s,
        (select round(extract(epoch from clock_timestamp() - max(g.until))::numeric, 3) from device_gaps g
            where g.device_id = d.id and g.since > 'epoch' and g.begins_stream) as restarted_s
    from devices d left join device_status s on s.device_id = d.id
    where $1::integer is null or d.lane = $1
    order by d.lane, d.id
"""
_EXPECTED_TO_REPORT = (DeviceState.READY, DeviceState.WAITING, DeviceState.STARTING)


async def device_of(pool: ReadPool, device_id: str) -> str | None:
    """Return one device with its state as a JSON object; None without it."""
    every, arguments = device_query(None)
    query = f"select one::text from json_array_elements(({every})::json) one where one ->> 'id' = $5"
    return await pool.value(query, *arguments, device_id)


def device_query(lane: int | None) -> tuple[str, list[object]]:
    """Return the query for the devices of a lane, or of all lanes, as a JSON list, and its arguments."""
    return rows(_DEVICE), [lane, DeviceState.UNKNOWN, list(_EXPECTED_TO_REPORT), DeviceState.SILENT]


async def devices(pool: ReadPool, lane: int | None) -> str:
    """Return the devices of a lane, or all, with state and age, as a JSON list."""
    query, arguments = device_query(lane)
    return await pool.value(query, *arguments) or "[]"


# On a lane without an open session, "unclaimed" counts the arrows of the last 15 minutes that were shot after the last
# session. A landing within 5 s after its end was shot before it. "since" is an argument for "session open", which rejects
# an instant before the end of the last session. A boot whose wall clock was behind counts its 15 minutes by its own clock.
# Lanes are found by index, one after the other, because sessions of years are kept. The instant of the search is now(): with
# clock_timestamp(), which changes within a statement, PostgreSQL reads every reading of a device.
LANES = f"""
    with recursive used as (
        select min(lane) as lane from sessions
        union all
        select (select min(sessions.lane) from sessions where sessions.lane > used.lane) from used where used.lane is not null
    )
    select known.lane, o.id as session_id, coalesce(u.arrows, 0) as unclaimed, u.since as unclaimed_since, l.last_session
    from (select lane from devices where lane is not null union select lane from used where lane is not null) known
    left join sessions o on o.is_opened and o.lane = known.lane
    left join lateral (
        select greatest(count(*) filter (where r.kind = 'release'), count(*) filter (where r.kind = 'landing')) as arrows,
            greatest(date_trunc('second', min(r.at)), max(ended.at)) as since
        from devices d
        left join lateral (
            select end_time as at, closing_mono_ns as mono_ns, closing_host_boot_id as boot from sessions
            where sessions.lane = d.lane order by number desc limit 1
        ) ended on true
        cross join lateral (
            select r.at, r.at as own_at, r.mono_ns, r.host_boot_id, r.kind, r.cause from readings r
            where r.device_id = d.id and not r.is_surplus and r.at > now() - interval '15 minutes'
                and not exists (select from host_boots b where b.host_boot_id = r.host_boot_id and b.zero_at is not null)
            union all
            select utc_of_boot(b, r.mono_ns), r.at, r.mono_ns, r.host_boot_id, r.kind, r.cause
            from (select * from host_boots order by number desc limit 1) b join readings r on r.device_id = d.id
                and r.host_boot_id = b.host_boot_id and not r.is_surplus
                and r.mono_ns > b.mono_ns - 900000000000
            where b.zero_at is not null
        ) r
        cross join lateral (select case r.kind when 'landing' then 5 else 0 end as margin_s) flight
        where d.lane = known.lane and o.id is null and r.kind in ('release', 'landing') and r.cause is distinct from 'removed'
            and is_not_before(r.own_at, r.mono_ns, r.host_boot_id,
                d.lane_since, d.lane_since_mono_ns, d.lane_since_host_boot_id)
            and is_not_before(r.own_at, r.mono_ns - 1, r.host_boot_id,
                ended.at + interval '1 microsecond' + flight.margin_s * interval '1 s',
                ended.mono_ns + flight.margin_s * 1000000000::bigint, ended.boot)
    ) u on true
    left join lateral (
        select row_to_json(last) as last_session from (
            select {SESSION_VALUES} from sessions s left join targets t on t.session_id = s.id
            where u.arrows > 0 and s.lane = known.lane order by s.number desc limit 1
        ) last
    ) l on true
    order by known.lane
"""


async def lanes(pool: ReadPool) -> str:
    """Return every lane that has a device or had a session, with its open session, as a JSON list."""
    return with_commands(await pool.value(rows(LANES)) or "[]")
