"""The values of ``/metrics`` that the database holds, read in one statement and shared by the scrapers of a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from edge.common.postgres.feed import FeedCursor
from edge.common.vocabulary import NO_SHOT, NOT_COUNTED, CommandState, OrphanStatus, Result
from edge.push.api.queries import LANES, device_query
from edge.push.api.rows import rows
from edge.push.http.read_pool import DatabaseAwayError, ReadPool

KEPT_S: Final = 1.0
"""Time for which one read serves every scraper."""
READ_WITHIN_S: Final = 2.0
"""Deadline of the read: a scraper that waits longer gives up, and learns nothing of this process either."""
MOST_DEVICES: Final = 1000
"""Most devices that have metrics: more than a range has, and a bound on the labels."""
MOST_GAPS: Final = 100_000
"""Most gaps of one device that are counted."""
MOST_UNREAD: Final = 10_000
"""Most events that are counted as unread."""


class Device(TypedDict):
    """One device, as ``/device`` shows it, with its counts and the clock of its stream."""

    id: str
    kind: str
    driver: str
    lane: int | None
    source: str | None
    state: str
    age_s: float | None
    battery_percent: int | None
    rssi_dbm: int | None
    chatters: bool
    spool_rows: int
    spool_bytes: int | None


class DeviceMore(TypedDict):
    """More of one device than ``/device`` shows."""

    id: str
    watermark_age_s: float | None
    queued: int | None
    readings_total: int | None
    spool_oldest_s: float | None
    gaps: int
    restarts: int
    clock_offset_s: float | None
    clock_uncertainty_s: float | None
    clock_age_s: float | None
    pending: int
    running: int


class Lane(TypedDict):
    """One lane, as ``/lanes`` shows it."""

    lane: int
    session_id: str | None
    unclaimed: int


class Session(TypedDict):
    """The open session of a lane."""

    lane: int
    age_s: float
    results: Mapping[str, int]
    arrows: int
    points: int
    orphans: int


class Feed(TypedDict):
    """The feed beyond the position of this process."""

    newest_age_s: float | None
    unread: int
    oldest_unread_age_s: float | None


class Stored(TypedDict):
    """Everything that one read found."""

    devices: list[Device]
    more: list[DeviceMore]
    lanes: list[Lane]
    sessions: list[Session]
    feed: Feed | None


_DEVICES, _DEVICE_ARGUMENTS = device_query(None)
_AGE = "round(extract(epoch from clock_timestamp() - {})::numeric, 3)"
_FIRST: Final = len(_DEVICE_ARGUMENTS)
"""Number of the arguments of the devices' own query, which comes first."""


def _n(number: int) -> str:
    return f"${_FIRST + number}"


_READ = f"""
select json_build_object(
    'devices', ({_DEVICES})::json,
    'more', ({
    rows(f'''
        select d.id, {_AGE.format("s.watermark")} as watermark_age_s, s.queued, s.readings_total,
            {_AGE.format("s.spool_oldest_at")} as spool_oldest_s, g.gaps, g.restarts,
            c.ref_mono_ns / 1e9 - c.ref_ticks_us / 1e6 as clock_offset_s, c.uncertainty_s as clock_uncertainty_s,
            {_AGE.format("c.updated_at")} as clock_age_s,
            (select count(*) from commands where device_id = d.id and state = 'pending' and expires_at > now()) as pending,
            (select count(*) from commands where device_id = d.id and state = 'running') as running
        from (select id, lane from devices order by lane, id limit {MOST_DEVICES}) d
        left join device_status s on s.device_id = d.id
        left join stream_clocks c on c.device_id = d.id and c.stream_id = s.stream_id
        cross join lateral (
            select count(*) as gaps, count(*) filter (where begins_stream) as restarts from (
                select begins_stream from device_gaps where device_id = d.id and since > 'epoch' limit {MOST_GAPS}
            ) counted
        ) g
        order by d.lane, d.id
    ''')
})::json,
    'lanes', ({rows(LANES)})::json,
    'sessions', ({
    rows(f'''
        select s.lane, {_AGE.format("s.start_time")} as age_s, shot.results, shot.arrows, shot.points,
            (select count(*) from orphans where session_id = s.id and status = {_n(4)}) as orphans
        from sessions s cross join lateral (
            select coalesce(json_object_agg(result, number), '{{}}') as results, coalesce(sum(arrows), 0) as arrows,
                coalesce(sum(points), 0) as points
            from (
                select result, count(*) as number, count(*) filter (where result <> all({_n(5)}::text[])) as arrows,
                    sum(points) filter (where result <> all({_n(5)}::text[]) and not flags && {_n(6)}::text[]
                        and (end_number > s.sighter_ends) is not false) as points
                from shots where session_id = s.id group by result
            ) each
        ) shot
        where s.is_opened order by s.lane
    ''')
})::json,
    'feed', case when {_n(1)}::text is not null then (select row_to_json(found) from (
        select (select {_AGE.format("at")} from events order by xid desc, id desc limit 1) as newest_age_s,
            (select count(*) from (
                select from events where (xid, id) > ({_n(2)}::text::xid8, {_n(3)}::bigint) limit {
    MOST_UNREAD
}) u) as unread,
            (select {_AGE.format("at")} from events where (xid, id) > ({_n(2)}::text::xid8, {_n(3)}::bigint)
                order by xid, id limit 1) as oldest_unread_age_s
    ) found) end
)::text
"""  # noqa: S608 - fixed text


async def read_stored(pool: ReadPool, live: FeedCursor | None) -> Stored:
    """Read the values of the moment; ``live`` is the position up to which this process has read the feed.

    Raises DatabaseAwayError.
    """
    text = await pool.value(
        _READ, *_DEVICE_ARGUMENTS, live and live.epoch, str(live.xid) if live else "0", live.id if live else 0,
        OrphanStatus.OPEN, sorted(NO_SHOT), sorted(NOT_COUNTED),
    )  # fmt: skip
    found: Stored = json.loads(text or "null")
    return found


@dataclass
class StoredValues:
    """Reads the database at most once a second, however many scrapers ask."""

    pool: ReadPool
    kept_s: float = KEPT_S
    reads: int = 0
    """Reads since the start, also failed ones."""
    read_s: float = 0.0
    """Duration of the last read."""
    _stored: Stored | None = None
    _read_at: float | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self, live: FeedCursor | None) -> Stored | None:
        """Return the values, at most a second old; None while the database is away."""
        clock = asyncio.get_running_loop().time
        async with self._reading:
            if self._read_at is None or clock() - self._read_at >= self.kept_s:
                began = clock()
                self.reads += 1
                try:
                    async with asyncio.timeout(READ_WITHIN_S):
                        self._stored = await read_stored(self.pool, live)
                except (DatabaseAwayError, TimeoutError):
                    self._stored = None
                self._read_at = clock()
                self.read_s = self._read_at - began
            return self._stored


RESULTS: Final = tuple(Result)
COMMAND_STATES: Final = (CommandState.PENDING, CommandState.RUNNING)
