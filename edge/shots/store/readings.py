"""Stored readings: new ones, the sessions that they may belong to, and all readings of one session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from drivers.clock.instant import instant_of
from edge.common.postgres.connection import Connection
from edge.common.process.progress import Tick, no_tick
from edge.common.vocabulary import ReadingKind, ReleaseCause
from edge.shots.assembly.model import ReadingKey, TimedReading
from edge.shots.assembly.timeline import Axis
from edge.shots.store.instants import SqlInstant, is_before, on_one_clock

BEFORE_START = timedelta(minutes=6)
"""Longest time that an arrow may be on the string before its session begins (``engage_timeout_s``)."""
AFTER_END = timedelta(seconds=10)
"""Longest time after the end of its session at which an arrow in the air may land."""
NEWS_AT_ONCE = 2000
"""Number of new readings that are held in memory at once."""

_READING = SqlInstant.of_columns("r.at")
_START = SqlInstant.of_columns("s.start_time")
_SINCE = SqlInstant.of_columns("d.since").or_at("'-infinity'")
_UNTIL = SqlInstant.of_columns("d.until").or_at("'infinity'")
# The first and the last instant of session ``s`` with its margins, which are $1 and $2.
_FIRST = _START.shifted("-$1::interval")
_LAST = SqlInstant.of_columns("s.closing_time").shifted("$2::interval")
_LAST_AT = "coalesce(s.end_time, 'infinity') + $2::interval"
_OTHER_BOOT_AT_CLOSE = "s.closing_host_boot_id is distinct from s.start_host_boot_id"
# Whether reading ``r`` may belong to session ``s``. Within one boot of the host the monotonic clock decides: a step of the
# wall clock takes no reading out of its session. Two conditions, so that each uses its index.
_BY_MONOTONIC_CLOCK = f"""
{on_one_clock(_READING, _START)} and {_READING.mono_ns} between {_FIRST.mono_ns}
    and case when s.is_opened or {_OTHER_BOOT_AT_CLOSE} then 9223372036854775807 else {_LAST.mono_ns} end
"""
_BY_WALL_CLOCK = f"""
({on_one_clock(_READING, _START)}) is not true and {_READING.at} between {_FIRST.at} and {_LAST_AT}
"""
# Whether the device of reading ``r`` was assigned to the session's lane by row ``d`` at that instant. Of two adjoining
# assignments exactly one holds the reading, so the condition uses the rows alone.
_DURING_ASSIGNMENT = f"not {is_before(_READING, _SINCE)} and {is_before(_READING, _UNTIL)}"
# Sessions near the span of time of the ``news``. Comparing each reading with years of sessions would exceed the statement
# timeout.
_NEAR = f"""
span as (select host_boot_id, min(at) as since, max(at) as until, min(mono_ns) as since_ns, max(mono_ns) as until_ns
    from news group by host_boot_id),
near as materialized (
    select s.* from sessions s where s.is_opened or exists (
        select from span where
            (span.since <= {_LAST_AT} and span.until >= {_FIRST.at})
            or (span.host_boot_id = s.start_host_boot_id and ({_OTHER_BOOT_AT_CLOSE} or span.since_ns <= {_LAST.mono_ns})
                and span.until_ns >= {_FIRST.mono_ns}))),
assignments as materialized (select d.* from near s join session_devices d on d.session_id = s.id)
"""  # noqa: S608 - fixed text
_READING_COLUMNS = """
device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, tag, tags, x_mm, y_mm, rssi_dbm,
cause
"""
# In the order of the index, so that the first page does not sort all the rows.
_NEWS = f"select {_READING_COLUMNS} from readings where xid >= $1::text::xid8 order by xid"  # noqa: S608 - fixed text

_OF_ITS_DEVICES = f"""
where s.id = $3 and r.device_id = any(array(select device_id from session_devices where session_id = $3))
and exists (select from session_devices d where d.session_id = s.id and d.device_id = r.device_id and {_DURING_ASSIGNMENT})
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class NewReadings:
    """The readings stored since the last call of :func:`read_news`."""

    rows: list[asyncpg.Record]
    """The readings; empty when ``is_much``."""
    sessions: set[UUID]
    """The sessions that any of the readings may belong to."""
    xmin: int
    """Every earlier transaction has ended, and its readings are included."""
    is_much: bool
    """There are more readings than are held at once: reload the sessions from the tables."""


async def read_news(connection: Connection, since_xmin: int, tick: Tick = no_tick) -> NewReadings:
    """Read the readings of transactions that may have ended since, in any order of commits. Some may be known already.

    At most ``NEWS_AT_ONCE`` readings are held at once, and no statement takes longer because there are more. One snapshot
    covers them all.
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
    """The transaction id up to which the stored shots are complete."""
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
        join assignments d on d.session_id = s.id
        join news r on r.device_id = d.device_id and {_DURING_ASSIGNMENT}
        where ({_BY_MONOTONIC_CLOCK}) or ({_BY_WALL_CLOCK})
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        *_key_and_time(rows),
    )
    return {row["session_id"] for row in found}


async def belonging_to(
    connection: Connection, session_id: UUID, rows: Sequence[asyncpg.Record]
) -> list[asyncpg.Record]:
    """The readings among ``rows`` that may belong to a session, by the same rule as :func:`readings_of`."""
    if not rows:
        return []
    found = await connection.fetch(
        f"""
        select distinct r.number
        from unnest($3::text[], $4::timestamptz[], $5::bigint[], $6::uuid[]) with ordinality
            as r (device_id, at, mono_ns, host_boot_id, number)
        join session_devices d on d.session_id = $7 and d.device_id = r.device_id and {_DURING_ASSIGNMENT}
        join sessions s on s.id = d.session_id
        where ({_BY_MONOTONIC_CLOCK}) or ({_BY_WALL_CLOCK})
        """,  # noqa: S608 - fixed text
        BEFORE_START,
        AFTER_END,
        *_key_and_time(rows),
        session_id,
    )
    return [rows[row["number"] - 1] for row in found]


def _key_and_time(rows: Sequence[asyncpg.Record]) -> list[list[object]]:
    return [[row[column] for row in rows] for column in ("device_id", "at", "mono_ns", "host_boot_id")]


async def open_sessions(connection: Connection) -> set[UUID]:
    """The open sessions."""
    return {row["id"] for row in await connection.fetch("select id from sessions where is_opened")}


async def recent_sessions(connection: Connection, within_s: float) -> set[UUID]:
    """The sessions closed less than ``within_s`` ago: a silent device may still report their events."""
    rows = await connection.fetch(
        "select id from sessions where end_time > now() - make_interval(secs => $1)", within_s
    )
    return {row["id"] for row in rows}


async def readings_of(connection: Connection, session_id: UUID) -> list[asyncpg.Record]:
    """Every stored reading that may belong to a session."""
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
    """Store the transaction id up to which the shots are complete."""
    await connection.execute("update assembly_progress set before_xid = $1::text::xid8", str(xmin))


def timed_reading(row: asyncpg.Record, axis: Axis) -> TimedReading:
    """A row of ``readings`` with its place on the session's time axis, dated by the session's clock."""
    t = axis.seconds_of(instant_of(row))
    return TimedReading(
        key=ReadingKey(row["device_id"], row["stream_id"], row["seq"]),
        kind=ReadingKind(row["kind"]),
        t=t,
        at=axis.utc_of(t),
        error_s=row["uncertainty_s"],
        tag=row["tag"],
        tags=None if row["tags"] is None else tuple(row["tags"]),
        x=row["x_mm"],
        y=row["y_mm"],
        rssi=row["rssi_dbm"],
        cause=None if row["cause"] is None else ReleaseCause(row["cause"]),
        receive_delay_s=(row["received_at"] - row["at"]).total_seconds(),
    )
