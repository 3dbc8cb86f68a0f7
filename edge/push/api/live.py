"""``/live``: a snapshot of one lane, or of all of them, with its position in the feed.

Everything is read in one repeatable-read transaction, together with the feed's position. A page that resumes from
``as_of`` gets every later event, and perhaps again one that is part of the snapshot, which its revision shows.
"""

import json

from edge.common.postgres.connection import Connection
from edge.common.postgres.feed import current_cursor
from edge.common.vocabulary import OrphanStatus
from edge.push.api.advice import orphans_command, with_commands
from edge.push.api.queries import LANES, device_query
from edge.push.api.rows import rows
from edge.push.http.read_pool import TIMEOUT_S, ReadPool

HARDWARE = "hardware"
"""Source of real readings (``drivers.contract.Source``, which this module may not import; compared by a test)."""
FIRST_LANE = 1
"""The lane shown while there is none."""

# The first lane with an open session, else with devices.
_LANE = "select coalesce((select min(lane) from sessions where is_opened), (select min(lane) from devices), $1)"
# One row for each lane, with its open session, else its last one, so that the score stays visible after the last arrow.
# Orphans are landings that an operator has not resolved, in the form of their event.
# The sessions are materialized: each is searched for once, and no part is planned for parallel workers, which take longer to
# start than a part to read.
_STATES = """
    with chosen as materialized (
        select lane, (
            select id from sessions where sessions.lane = given.lane order by is_opened desc, number desc limit 1
        ) as session_id from unnest($1::integer[]) given(lane)
    )
    select json_build_object(
        'lane', chosen.lane,
        'sources', known.sources,
        'simulated', exists (select from json_array_elements_text(known.sources) source where source <> $3),
        'session', (select row_to_json(sessions) from sessions where id = chosen.session_id),
        'target', (select row_to_json(targets) from targets where session_id = chosen.session_id),
        'faces', (
            select coalesce(json_agg(faces order by faces.human_identifier), '[]')
            from faces join targets on targets.id = target_id where session_id = chosen.session_id),
        'slots', (
            select coalesce(json_agg(json_build_object('letter', letter, 'face', face, 'archer', archers.name) order by letter),
                '[]')
            from slots left join archers on (archers.id, archers.hub_id) = (slots.archer_id, slots.hub_id)
            where slots.session_id = chosen.session_id),
        'shots', (
            select coalesce(json_agg(found), '[]') from (
                select shots.*, arrows.human_identifier, faces.human_identifier as face, slots.letter as slot from shots
                left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
                left join faces on (faces.id, faces.hub_id) = (shots.face_id, shots.hub_id)
                left join slots on (slots.id, slots.hub_id) = (shots.slot_id, shots.hub_id)
                where shots.session_id = chosen.session_id
                order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id) found),
        'orphans', (
            select coalesce(json_agg(found), '[]') from (
                select orphans.*, coalesce(utc_of_boot(b, r.mono_ns), r.at) as at, r.tag from orphans
                join readings r on (r.device_id, r.stream_id, r.seq) = (orphans.device_id, orphans.stream_id, orphans.seq)
                left join host_boots b on b.host_boot_id = r.host_boot_id and b.zero_at is not null
                where orphans.session_id = chosen.session_id and orphans.status = $2 order by at, orphans.id) found),
        'ends', (
            select coalesce(json_agg(ends order by number), '[]') from ends where session_id = chosen.session_id)
    )::text
    from chosen
    cross join lateral (
        select coalesce(json_agg(distinct source), '[]') as sources from (
            select s.source from device_status s join devices d on d.id = s.device_id
                where d.lane = chosen.lane and s.source is not null
            union
            select r.source from shots join readings r
                on (r.device_id, r.stream_id, r.seq) = (release_device_id, release_stream_id, release_seq)
                where shots.session_id = chosen.session_id
            union
            select r.source from shots join readings r
                on (r.device_id, r.stream_id, r.seq) = (landing_device_id, landing_stream_id, landing_seq)
                where shots.session_id = chosen.session_id
        ) found
    ) known
    order by chosen.lane
"""


async def live(pool: ReadPool, lane: int | None) -> bytes:
    """Return the snapshot of a lane as JSON. It includes voided shots, so that a repeated event revives none."""
    async with pool.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        common = await _common(connection)
        if lane is None:
            lane = int(await connection.fetchval(_LANE, FIRST_LANE, timeout=TIMEOUT_S))
        (state,) = await _states(connection, [lane])
        common["orphans_command"] = json.dumps(orphans_command(lane))
        common["devices"] = await _devices(connection, lane)
    return _object(common)[:-1] + b"," + state.encode()[1:]


async def live_of_all(pool: ReadPool) -> bytes:
    """Return the snapshots of all lanes as JSON: ``ranges`` has one for each lane, of the same instant."""
    async with pool.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        common = await _common(connection)
        lanes = [one["lane"] for one in json.loads(common["lanes"])] or [FIRST_LANE]
        common["ranges"] = f"[{','.join(await _states(connection, lanes))}]"
        common["devices"] = await _devices(connection, None)
    return _object(common)


async def _common(connection: Connection) -> dict[str, str]:
    """Return the parts that concern every lane, each as JSON."""
    return {
        "as_of": json.dumps(str(await current_cursor(connection))),
        "now": await connection.fetchval("select to_json(clock_timestamp())::text", timeout=TIMEOUT_S),
        "lanes": with_commands(await connection.fetchval(rows(LANES), timeout=TIMEOUT_S)),
    }


async def _states(connection: Connection, lanes: list[int]) -> list[str]:
    """Return the state of each lane as a JSON object, in the order of the lanes."""
    found = await connection.fetch(_STATES, lanes, OrphanStatus.OPEN, HARDWARE, timeout=TIMEOUT_S)
    return [one[0] for one in found]


async def _devices(connection: Connection, lane: int | None) -> str:
    query, arguments = device_query(lane)
    devices: str = await connection.fetchval(query, *arguments, timeout=TIMEOUT_S)
    return devices


def _object(parts: dict[str, str]) -> bytes:
    return ("{" + ",".join(f'"{name}":{part}' for name, part in parts.items()) + "}").encode()
