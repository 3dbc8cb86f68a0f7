"""Readings as they lie in the table: what is new, which sessions it may concern, all that may belong to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from edge.common.postgres.connection import Connection
from edge.common.process.progress import Tick, no_tick

BEFORE_START = timedelta(minutes=6)
"""An arrow may be on the string this long before its session begins (``engage_timeout``)."""
AFTER_END = timedelta(seconds=10)
"""An arrow that was in the air when its session ended may be told of so much later."""
NEWS_AT_ONCE = 2000
"""So many new readings are held at once."""

# Whether reading ``r`` may be of session ``s``; $1 and $2 are the two margins. Within one boot of the host the monotonic
# clock decides: a step of the wall clock takes no reading out of its session. Apart, so that each has its index.
_BY_MONOTONIC_CLOCK = """
r.host_boot_id = s.start_host_boot_id and r.mono_ns between
    s.start_mono_ns - (extract(epoch from $1::interval) * 1e9)::bigint
    and case when s.is_opened or s.closing_host_boot_id is distinct from s.start_host_boot_id then 9223372036854775807
             else s.closing_mono_ns + (extract(epoch from $2::interval) * 1e9)::bigint end
"""
_BY_WALL_CLOCK = """
(r.host_boot_id = s.start_host_boot_id and r.mono_ns is not null) is not true
and r.at between s.start_time - $1::interval and coalesce(s.end_time, 'infinity') + $2::interval
"""
# Whether reading ``r`` was sensed while its device was on the lane of the session that ``d`` is about. Of two stays that meet
# it is in one, so nothing but what the rows hold may decide.
_DURING_STAY = """
case when r.host_boot_id = d.since_host_boot_id and r.mono_ns is not null and d.since_mono_ns is not null
     then r.mono_ns >= d.since_mono_ns else r.at >= coalesce(d.since, '-infinity') end
and case when r.host_boot_id = d.until_host_boot_id and r.mono_ns is not null and d.until_mono_ns is not null
         then r.mono_ns < d.until_mono_ns else r.at < coalesce(d.until, 'infinity') end
"""
# Sessions that any of the ``news`` may be of when only its span of time is looked at: years of sessions are many, and each
# of them against each reading would be more than a statement has time for.
_NEAR = """
span as (select host_boot_id, min(at) as since, max(at) as until, min(mono_ns) as since_ns, max(mono_ns) as until_ns
    from news group by host_boot_id),
near as materialized (
    select s.* from sessions s where s.is_opened or exists (
        select from span where
            (span.since <= coalesce(s.end_time, 'infinity') + $2::interval
                and span.until >= s.start_time - $1::interval)
            or (span.host_boot_id = s.start_host_boot_id
                and (s.closing_host_boot_id is distinct from s.start_host_boot_id
                    or span.since_ns <= s.closing_mono_ns + (extract(epoch from $2::interval) * 1e9)::bigint)
                and span.until_ns >= s.start_mono_ns - (extract(epoch from $1::interval) * 1e9)::bigint))),
stays as materialized (select d.* from near s join session_devices d on d.session_id = s.id)
"""
_READING_COLUMNS = """
device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, tag, tags, x_mm, y_mm, rssi_dbm,
cause
"""
# In this order the index gives them one after the other, and the first page costs what a page costs.
_NEWS = f"select {_READING_COLUMNS} from readings where xid >= $1::text::xid8 order by xid"  # noqa: S608 - fixed text

_OF_ITS_DEVICES = f"""
where s.id = $3 and r.device_id = any(array(select device_id from session_devices where session_id = $3))
and exists (select from session_devices d where d.session_id = s.id and d.device_id = r.device_id and {_DURING_STAY})
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class NewReadings:
    """What was stored since the last look."""

    rows: list[asyncpg.Record]
    """The readings, when they are few; none of them when ``is_much``."""
    sessions: set[UUID]
    """The sessions that any of the readings may belong to."""
    xmin: int
    """Every transaction before this one is over, and what it stored was looked at."""
    is_much: bool
    """There are more readings than are held at once: what concerns a session is to be had from the tables."""


async def read_news(connection: Connection, since_xmin: int, tick: Tick = no_tick) -> NewReadings:
    """Readings of transactions that may have ended since, whatever the order of their commits. Some may be known already.

    However many they are, at most ``NEWS_AT_ONCE`` are held, and no statement takes longer for there being more. One
    snapshot shows them all.
    """
    since = str(since_xmin)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        xmin = int(await connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())::text"))
        rows = await connection.fetch(f"{_NEWS} limit {NEWS_AT_ONCE + 1}", since)
        if len(rows) <= NEWS_AT_ONCE:
            return NewReadings(rows, await sessions_of(connection, rows), xmin, is_much=False)
        del rows
        sessions: set[UUID] = set()
        pages = await connection.cursor(_NEWS, since)
        while page := await pages.fetch(NEWS_AT_ONCE):
            tick()
            sessions |= await sessions_of(connection, page)
    return NewReadings([], sessions, xmin, is_much=True)


async def read_progress(connection: Connection) -> int:
    """Up to which transaction the shots are complete."""
    return int(await connection.fetchval("select before_xid::text from assembly_progress"))


async def sessions_of(connection: Connection, rows: Sequence[asyncpg.Record]) -> set[UUID]:
    """The sessions that readings may belong to, by device and time."""
    if not rows:
        return set()
    found = await connection.fetch(
        f"""
        with news as materialized (
            select * from unnest($3::text[], $4::timestamptz[], $5::bigint[], $6::uuid[])
                as r (device_id, at, mono_ns, host_boot_id)
        ),
        {_NEAR}
        select distinct d.session_id
        from near s
        join stays d on d.session_id = s.id
        join news r on r.device_id = d.device_id and {_DURING_STAY}
        where ({_BY_MONOTONIC_CLOCK}) or ({_BY_WALL_CLOCK})
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        *_what_tells(rows),
    )
    return {row["session_id"] for row in found}


async def own(connection: Connection, session_id: UUID, rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """Those of some readings that may belong to a session: the same ones that :func:`readings_of` would give."""
    if not rows:
        return []
    found = await connection.fetch(
        f"""
        select distinct r.place
        from unnest($3::text[], $4::timestamptz[], $5::bigint[], $6::uuid[]) with ordinality
            as r (device_id, at, mono_ns, host_boot_id, place)
        join session_devices d on d.session_id = $7 and d.device_id = r.device_id and {_DURING_STAY}
        join sessions s on s.id = d.session_id
        where ({_BY_MONOTONIC_CLOCK}) or ({_BY_WALL_CLOCK})
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        *_what_tells(rows),
        session_id,
    )
    return [rows[row["place"] - 1] for row in found]


def _what_tells(rows: Sequence[asyncpg.Record]) -> list[list[object]]:
    return [[row[column] for row in rows] for column in ("device_id", "at", "mono_ns", "host_boot_id")]


async def open_sessions(connection: Connection) -> set[UUID]:
    """Sessions that still take shots."""
    return {row["id"] for row in await connection.fetch("select id from sessions where is_opened")}


async def recent_sessions(connection: Connection, within_s: float) -> set[UUID]:
    """Sessions that were closed so short a time ago that a device which was silent may yet tell of them."""
    rows = await connection.fetch(
        "select id from sessions where end_time > now() - make_interval(secs => $1)", within_s
    )
    return {row["id"] for row in rows}


async def readings_of(connection: Connection, session_id: UUID) -> list[asyncpg.Record]:
    """Every reading that may belong to a session."""
    return await connection.fetch(
        f"""
        select {_READING_COLUMNS} from sessions s join readings r on {_BY_MONOTONIC_CLOCK} {_OF_ITS_DEVICES}
        union all
        select {_READING_COLUMNS} from sessions s join readings r on {_BY_WALL_CLOCK} {_OF_ITS_DEVICES}
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        session_id,
    )


async def write_progress(connection: Connection, xmin: int) -> None:
    """Remember how far the readings were read."""
    await connection.execute("update assembly_progress set before_xid = $1::text::xid8", str(xmin))
