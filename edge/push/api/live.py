"""``/live``: a snapshot of one lane, with its position in the feed.

Everything is read in one repeatable-read transaction, together with the feed's position. A page that resumes from
``as_of`` gets every later event, and perhaps again one that is part of the snapshot, which its revision shows.
"""

import json
from uuid import UUID

from edge.common.postgres.feed import current_cursor
from edge.common.vocabulary import OrphanStatus
from edge.push.api.queries import LANES, device_query, row, rows
from edge.push.http.read_pool import TIMEOUT_S, ReadPool

HARDWARE = "hardware"
"""Source of real readings (``drivers.contract.Source``, which this module may not import; compared by a test)."""

# The first lane with an open session, else with devices, else 1.
_LANE = """
    select coalesce((select min(lane) from sessions where is_opened), (select min(lane) from devices), 1)
"""
# The open session, else the last one, so that the score stays visible after the last arrow.
_SESSION_ID = "select id from sessions where lane = $1 order by is_opened desc, start_time desc, id limit 1"
_SHOTS = """
    select shots.*, arrows.human_identifier, faces.human_identifier as face from shots
    left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
    left join faces on (faces.id, faces.hub_id) = (shots.face_id, shots.hub_id)
    where shots.session_id = $1 order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id
"""
# Landings that an operator has not resolved, in the form of their event.
_ORPHANS = """
    select orphans.*, r.at, r.x_mm as x, r.y_mm as y, r.tag from orphans
    join readings r on (r.device_id, r.stream_id, r.seq) = (orphans.device_id, orphans.stream_id, orphans.seq)
    where orphans.session_id = $1 and orphans.status = $2 order by r.at, orphans.id
"""
_SOURCES = """
    select coalesce(json_agg(distinct source), '[]')::text from (
        select s.source from device_status s join devices d on d.id = s.device_id
            where d.lane = $2 and s.source is not null
        union
        select r.source from shots
            join readings r on (r.device_id, r.stream_id, r.seq) = (release_device_id, release_stream_id, release_seq)
            where shots.session_id = $1
        union
        select r.source from shots
            join readings r on (r.device_id, r.stream_id, r.seq) = (landing_device_id, landing_stream_id, landing_seq)
            where shots.session_id = $1
    ) known
"""


async def live(pool: ReadPool, lane: int | None) -> bytes:
    """Return the snapshot of a lane as JSON. It includes voided shots, so that a repeated event revives none."""
    async with pool.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):

        async def value(query: str, *arguments: object) -> str | None:
            found: str | None = await connection.fetchval(query, *arguments, timeout=TIMEOUT_S)
            return found

        as_of = await current_cursor(connection)
        if lane is None:
            lane = int(await connection.fetchval(_LANE, timeout=TIMEOUT_S))
        session_id: UUID | None = await connection.fetchval(_SESSION_ID, lane, timeout=TIMEOUT_S)
        devices, device_arguments = device_query(lane)
        sources = await value(_SOURCES, session_id, lane) or "[]"
        parts = {
            "as_of": json.dumps(str(as_of)),
            "now": await value("select to_json(clock_timestamp())::text"),
            "lane": str(lane),
            "lanes": await value(rows(LANES)),
            "sources": sources,
            "simulated": json.dumps(any(source != HARDWARE for source in json.loads(sources))),
            "session": await value(row("select * from sessions where id = $1"), session_id),
            "target": await value(row("select * from targets where session_id = $1"), session_id),
            "faces": await value(
                rows(
                    "select faces.* from faces join targets on targets.id = target_id where session_id = $1"
                    " order by faces.human_identifier"
                ),
                session_id,
            ),
            "shots": await value(rows(_SHOTS), session_id),
            "orphans": await value(rows(_ORPHANS), session_id, OrphanStatus.OPEN),
            "ends": await value(rows("select * from ends where session_id = $1 order by number"), session_id),
            "devices": await value(devices, *device_arguments),
        }
    return ("{" + ",".join(f'"{name}":{part or "null"}' for name, part in parts.items()) + "}").encode()
