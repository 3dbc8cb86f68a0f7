"""The questions to the database. PostgreSQL writes the JSON itself: values arrive as stored, and nothing is built twice.

Paths that the original also had keep its keys exactly; what is new is in ``/live``, ``/shot/{id}``, ``/device`` and
``/lanes``.
"""

from uuid import UUID

from edge.push.api.parameters import Sessions, Shots
from edge.push.http.read_pool import Store

_SESSION = "id, is_opened, start_time, location, is_indoor, end_time"

# A shot as the original told it. A release whose nocking was not sensed counts as nocked then.
_SHOT = """id, arrow_id, session_id, coalesce(arrow_engage_time, arrow_disengage_time) as arrow_engage_time,
    arrow_disengage_time, arrow_landing_time, x, y"""
_SHOT_ORDER = "coalesce(arrow_disengage_time, arrow_landing_time), id"

# A device that has not been heard of for three of its intervals is silent, whatever it said last. Each of its boots but the
# first that was ever heard of leaves a gap, up to when it began.
DEVICE = """
    select d.id, d.kind, d.driver, d.lane, s.source, s.battery_percent, s.rssi_dbm, s.firmware, s.error, s.hint,
        s.since, s.updated_at, s.watermark,
        coalesce(s.spool_rows, 0) as spool_rows, s.spool_bytes, s.spool_oldest_at, s.spool_error,
        case when s.device_id is null then 'unknown'
            when s.state in ('ready', 'waiting', 'starting') and clock_timestamp() - s.updated_at > 3 * s.interval_s * interval '1 s'
            then 'silent' else public_state(s) end as state,
        round(extract(epoch from clock_timestamp() - s.updated_at)::numeric, 3) as age_s,
        (select round(extract(epoch from clock_timestamp() - max(g.until))::numeric, 3) from device_gaps g
            where g.device_id = d.id and g.since > 'epoch') as restarted_s
    from devices d left join device_status s on s.device_id = d.id
"""


def rows(select: str) -> str:
    """A query that gives the rows of ``select`` as one JSON list."""
    return f"select coalesce(json_agg(answer), '[]')::text from ({select}) answer"  # noqa: S608 - no input in it


def row(select: str) -> str:
    """A query that gives the only row of ``select`` as a JSON object, or nothing."""
    return f"select row_to_json(answer)::text from ({select}) answer"  # noqa: S608 - no input in it


async def sessions(store: Store, asked: Sessions) -> str:
    """Sessions, oldest first, as a JSON list."""
    return await store.value(
        rows(f"""select {_SESSION} from sessions
            where ($1::uuid is null or id = $1) and ($2::boolean is null or is_opened = $2)
              and ($3::boolean is null or is_indoor = $3) and ($4::text is null or location = $4)
              and ($5::timestamptz is null or start_time = $5) and ($6::timestamptz is null or end_time = $6)
              and ($7::integer is null or lane = $7)
            order by start_time, id"""),  # noqa: S608
        asked.id, asked.is_opened, asked.is_indoor, asked.location, asked.start_time, asked.end_time, asked.lane,
    ) or "[]"  # fmt: skip


async def open_session(store: Store, lane: int) -> str:
    """The lane's open session as a JSON object, or ``null``."""
    return await store.value(row(f"select {_SESSION} from sessions where is_opened and lane = $1"), lane) or "null"  # noqa: S608


async def session(store: Store, session_id: UUID) -> str | None:
    """One session as a JSON object."""
    return await store.value(row(f"select {_SESSION} from sessions where id = $1"), session_id)  # noqa: S608


async def shots(store: Store, asked: Shots) -> str:
    """What was shot, in the order of release, as a JSON list: neither voided rows nor let-downs."""
    return await store.value(
        rows(f"""select {_SHOT} from shots
            where result not in ('void', 'not_shot')
              and ($1::uuid is null or id = $1) and ($2::uuid is null or arrow_id = $2)
              and ($3::uuid is null or session_id = $3)
              and ($4::timestamptz is null or coalesce(arrow_engage_time, arrow_disengage_time) = $4)
              and ($5::timestamptz is null or arrow_disengage_time = $5)
              and ($6::timestamptz is null or arrow_landing_time = $6)
              and ($7::double precision is null or x = $7) and ($8::double precision is null or y = $8)
            order by {_SHOT_ORDER} limit $9 offset $10"""),  # noqa: S608
        asked.id, asked.arrow_id, asked.session_id, asked.arrow_engage_time, asked.arrow_disengage_time,
        asked.arrow_landing_time, asked.x, asked.y, asked.limit, asked.offset,
    ) or "[]"  # fmt: skip


async def shot(store: Store, shot_id: UUID) -> str | None:
    """One shot with everything that is known of it, also a voided one, as a JSON object."""
    return await store.value(
        row("""select shots.*, arrows.human_identifier, faces.human_identifier as face from shots
            left join arrows on arrows.id = shots.arrow_id left join faces on faces.id = shots.face_id
            where shots.id = $1"""),
        shot_id,
    )


async def session_performance(store: Store, lane: int) -> str:
    """The shots of the lane's open session with flight time, speed and score, in the order of release, as a JSON list."""
    return await store.value(
        rows("""select shots.id, shots.session_id, arrow_id,
                coalesce(arrow_engage_time, arrow_disengage_time) as arrow_engage_time, arrow_disengage_time,
                arrow_landing_time, shots.x, shots.y, tof_s as time_of_flight_seconds, speed_mps as arrow_speed,
                shots.points as score, arrows.human_identifier, is_x, faces.human_identifier as face, result
            from sessions join shots on shots.session_id = sessions.id
            left join arrows on arrows.id = shots.arrow_id left join faces on faces.id = shots.face_id
            where sessions.is_opened and sessions.lane = $1 and result not in ('void', 'not_shot')
            order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id"""),
        lane,
    ) or "[]"  # fmt: skip


async def devices(store: Store, lane: int | None) -> str:
    """Devices of a lane, or all, with state and age, as a JSON list."""
    return (
        await store.value(rows(f"{DEVICE} where $1::integer is null or d.lane = $1 order by d.lane, d.id"), lane)
        or "[]"
    )


# On a lane without an open session: how many arrows were shot since the last one, of late. What lands just after a closing
# was shot before it. "since" may stand in the command that takes them in: never before that closing, or it is refused.
LANES = """
    select known.lane, o.id as session_id, coalesce(u.arrows, 0) as unclaimed, u.since as unclaimed_since
    from (select lane from devices where lane is not null union select lane from sessions) known
    left join sessions o on o.is_opened and o.lane = known.lane
    left join lateral (
        select greatest(count(*) filter (where r.kind = 'release'), count(*) filter (where r.kind = 'landing')) as arrows,
            greatest(date_trunc('second', min(r.at)), max(ended.at)) as since
        from devices d
        cross join lateral (
            select coalesce(max(end_time), '-infinity') as at from sessions where sessions.lane = d.lane
        ) ended
        join readings r on r.device_id = d.id and r.kind in ('release', 'landing') and r.cause is distinct from 'removed'
            and r.at > clock_timestamp() - interval '15 minutes' and r.at >= coalesce(d.lane_since, '-infinity')
            and r.at > ended.at + case r.kind when 'landing' then interval '5 s' else interval '0' end
        where d.lane = known.lane
    ) u on o.id is null
    order by known.lane
"""


async def lanes(store: Store) -> str:
    """Every lane that has a device or had a session, with its open session, as a JSON list."""
    return await store.value(rows(LANES)) or "[]"
