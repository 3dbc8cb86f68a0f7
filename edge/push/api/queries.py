"""SQL of the API. PostgreSQL writes the JSON itself: values arrive as stored, and each is encoded once.

Paths that the original Arch-Stats also has keep its keys exactly; newer fields are in ``/live``, ``/shot/{id}``,
``/device`` and ``/lanes``.
"""

from uuid import UUID

from edge.common.advice import SESSION_VALUES
from edge.common.vocabulary import NO_SHOT, DeviceState
from edge.push.api.advice import with_commands
from edge.push.api.parameters import SessionParams, ShotParams
from edge.push.http.read_pool import ReadPool

_SESSION = "id, is_opened, start_time, location, is_indoor, end_time"

# The shot of the original. A release whose nocking was not detected counts as nocked at the release.
_SHOT = """id, arrow_id, session_id, coalesce(arrow_engage_time, arrow_disengage_time) as arrow_engage_time,
    arrow_disengage_time, arrow_landing_time, x, y"""
_SHOT_ORDER = "coalesce(arrow_disengage_time, arrow_landing_time), id"
_SHOT_FILTERS = {
    "id": "id",
    "arrow_id": "arrow_id",
    "session_id": "session_id",
    "arrow_engage_time": "coalesce(arrow_engage_time, arrow_disengage_time)",
    "arrow_disengage_time": "arrow_disengage_time",
    "arrow_landing_time": "arrow_landing_time",
    "x": "x",
    "y": "y",
}
"""Expression of each filter of ``/shot``."""

_HIDDEN_RESULTS = sorted(NO_SHOT)

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


def rows(select: str) -> str:
    """Return a query for the rows of ``select`` as one JSON list."""
    return f"select coalesce(json_agg(answer), '[]')::text from ({select}) answer"  # noqa: S608 - no input in it


def row(select: str) -> str:
    """Return a query for the only row of ``select`` as a JSON object, or null."""
    return f"select row_to_json(answer)::text from ({select}) answer"  # noqa: S608 - no input in it


def device_query(lane: int | None) -> tuple[str, list[object]]:
    """Return the query for the devices of a lane, or of all lanes, as a JSON list, and its arguments."""
    return rows(_DEVICE), [lane, DeviceState.UNKNOWN, list(_EXPECTED_TO_REPORT), DeviceState.SILENT]


async def sessions(pool: ReadPool, params: SessionParams) -> str:
    """Return sessions, oldest first, as a JSON list."""
    return await pool.value(
        rows(f"""select {_SESSION} from sessions
            where ($1::uuid is null or id = $1) and ($2::boolean is null or is_opened = $2)
              and ($3::boolean is null or is_indoor = $3) and ($4::text is null or location = $4)
              and ($5::timestamptz is null or start_time = $5) and ($6::timestamptz is null or end_time = $6)
              and ($7::integer is null or lane = $7)
            order by hub_id, number"""),  # noqa: S608
        params.id, params.is_opened, params.is_indoor, params.location, params.start_time, params.end_time, params.lane,
    ) or "[]"  # fmt: skip


async def open_session(pool: ReadPool, lane: int) -> str:
    """Return the open session of a lane as a JSON object, or ``null``."""
    return await pool.value(row(f"select {_SESSION} from sessions where is_opened and lane = $1"), lane) or "null"  # noqa: S608


async def session(pool: ReadPool, session_id: UUID) -> str | None:
    """Return one session as a JSON object; None when it does not exist."""
    return await pool.value(row(f"select {_SESSION} from sessions where id = $1"), session_id)  # noqa: S608


async def shots(pool: ReadPool, params: ShotParams) -> str:
    """Return shots in the order of release as a JSON list, without voided ones and let-downs.

    Only the given filters are in the statement: one that might be empty would keep PostgreSQL from using its index.
    """
    given = {name: value for name, value in params if name in _SHOT_FILTERS and value is not None}
    conditions = "".join(f" and {_SHOT_FILTERS[name]} = ${number}" for number, name in enumerate(given, start=4))
    return await pool.value(
        rows(f"""select {_SHOT} from shots where result <> all($1::text[]){conditions}
            order by {_SHOT_ORDER} limit $2 offset $3"""),  # noqa: S608 - the conditions are constants
        _HIDDEN_RESULTS, params.limit, params.offset, *given.values(),
    ) or "[]"  # fmt: skip


async def shot(pool: ReadPool, shot_id: UUID) -> str | None:
    """Return one shot with all its columns, voided or not, as a JSON object; None when it does not exist."""
    return await pool.value(
        row("""select shots.*, arrows.human_identifier, faces.human_identifier as face, slots.letter as slot from shots
            left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
            left join faces on (faces.id, faces.hub_id) = (shots.face_id, shots.hub_id)
            left join slots on (slots.id, slots.hub_id) = (shots.slot_id, shots.hub_id)
            where shots.id = $1"""),
        shot_id,
    )


async def session_performance(pool: ReadPool, lane: int) -> str:
    """Return the shots of a lane's open session with flight, speed and score, in the order of release, as a JSON list."""
    return await pool.value(
        rows("""select shots.id, shots.session_id, arrow_id,
                coalesce(arrow_engage_time, arrow_disengage_time) as arrow_engage_time, arrow_disengage_time,
                arrow_landing_time, shots.x, shots.y, tof_s as time_of_flight_seconds, speed_mps as arrow_speed,
                shots.points as score, arrows.human_identifier, is_x, faces.human_identifier as face, result
            from sessions join shots on shots.session_id = sessions.id
            left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
            left join faces on (faces.id, faces.hub_id) = (shots.face_id, shots.hub_id)
            where sessions.is_opened and sessions.lane = $1 and result <> all($2::text[])
            order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id"""),
        lane,
        _HIDDEN_RESULTS,
    ) or "[]"  # fmt: skip


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
"""  # noqa: S608 - fixed text


async def lanes(pool: ReadPool) -> str:
    """Return every lane that has a device or had a session, with its open session, as a JSON list."""
    return with_commands(await pool.value(rows(LANES)) or "[]")
