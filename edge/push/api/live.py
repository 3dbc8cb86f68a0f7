"""``/live``: all that a page shows of one lane, and where in the feed that picture was taken.

Everything is read in one repeatable-read transaction, with the feed's position of the same instant: a page that resumes
from ``as_of`` gets each later event, and perhaps one again that the picture has already, which its revision tells.
"""

import json
from uuid import UUID

from edge.common.postgres.feed import current_cursor
from edge.push.api.queries import DEVICE, LANES, row, rows
from edge.push.http.read_pool import TIMEOUT_S, Store

# The lane that somebody shoots on, else one with devices, else the first.
_LANE = """
    select coalesce((select min(lane) from sessions where is_opened), (select min(lane) from devices), 1)
"""
# The open session, else the last one: who looks up after the last arrow wants to see the score.
_SESSION_ID = "select id from sessions where lane = $1 order by is_opened desc, start_time desc, id limit 1"
_SHOTS = """
    select shots.*, arrows.human_identifier, faces.human_identifier as face from shots
    left join arrows on arrows.id = shots.arrow_id left join faces on faces.id = shots.face_id
    where shots.session_id = $1 order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id
"""
# Landings that wait for a person, in the form of the event that told of them.
_ORPHANS = """
    select orphans.*, r.at, r.x_mm as x, r.y_mm as y, r.tag from orphans
    join readings r on (r.device_id, r.stream_id, r.seq) = (orphans.device_id, orphans.stream_id, orphans.seq)
    where orphans.session_id = $1 and orphans.status = 'open' order by r.at, orphans.id
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


async def live(store: Store, lane: int | None) -> bytes:
    """The picture of a lane as JSON. Voided shots are in it, so that an event that comes again revives none."""
    async with store.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):

        async def ask(query: str, *arguments: object) -> str | None:
            found: str | None = await connection.fetchval(query, *arguments, timeout=TIMEOUT_S)
            return found

        as_of = await current_cursor(connection)
        if lane is None:
            lane = int(await connection.fetchval(_LANE, timeout=TIMEOUT_S))
        session_id: UUID | None = await connection.fetchval(_SESSION_ID, lane, timeout=TIMEOUT_S)
        sources = await ask(_SOURCES, session_id, lane) or "[]"
        parts = {
            "as_of": json.dumps(str(as_of)),
            "now": await ask("select to_json(clock_timestamp())::text"),
            "lane": str(lane),
            "lanes": await ask(rows(LANES)),
            "sources": sources,
            "simulated": json.dumps(any(source != "hardware" for source in json.loads(sources))),
            "session": await ask(row("select * from sessions where id = $1"), session_id),
            "target": await ask(row("select * from targets where session_id = $1"), session_id),
            "faces": await ask(
                rows(
                    "select faces.* from faces join targets on targets.id = target_id where session_id = $1"
                    " order by faces.human_identifier"
                ),
                session_id,
            ),
            "shots": await ask(rows(_SHOTS), session_id),
            "orphans": await ask(rows(_ORPHANS), session_id),
            "ends": await ask(rows("select * from ends where session_id = $1 order by number"), session_id),
            "devices": await ask(rows(f"{DEVICE} where d.lane = $1 order by d.id"), lane),
        }
    return ("{" + ",".join(f'"{name}":{part or "null"}' for name, part in parts.items()) + "}").encode()
