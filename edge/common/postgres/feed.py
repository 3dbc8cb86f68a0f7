"""Reads the feed: every event once and in order, independent of the order in which the writers commit.

Events are ordered by the transaction number of their writer, then by their own number. PostgreSQL assigns both before the
commit, so an event with a lower number may still appear while an older transaction runs. The reader therefore stops
below the oldest running transaction that can still write (the snapshot's xmin), and reads again soon while events are held
back there, because no doorbell rings for them a second time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.common.postgres.connection import Connection

RETENTION = timedelta(days=7)
"""Time that events are kept."""
RECHECK_S = 0.02
"""Interval between reads while events are held back."""
MOST_EVENTS = 2_000_000
"""Number of events that are kept at most, about 0.6 GB, where no clock proves their age or they come faster. Numbers that
transactions took and gave up count too."""
FIRST_RELEASE = datetime(2026, 1, 1, tzinfo=UTC)
"""No event is older: an earlier date is that of a clock that was not set."""
HELD_BACK_AFTER_S = 2.0
"""Time after which a feed that is held back is reported as a fault."""

_LAST_ID = 2**63 - 1
_PUBLIC_ID = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,20})-([0-9]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """A position in the feed: every event up to and including this one was read. Its text is the event's public id."""

    epoch: str
    """Epoch of the database, which changes with a restore."""
    xid: int
    id: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.xid}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> FeedCursor:
        """Parse a public id. Raises ValueError for any other text."""
        parts = _PUBLIC_ID.fullmatch(text)
        if parts is None or int(parts[2]) >= 2**64 or int(parts[3]) > _LAST_ID:
            raise ValueError(f"{text[:80]!r} is not an event id")
        return cls(parts[1], int(parts[2]), int(parts[3]))


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of the feed."""

    cursor: FeedCursor
    """Position of the event; its text is the public id."""
    at: datetime
    type: str
    lane: int | None
    data: Mapping[str, Any]
    """The changed row, as JSON values."""


@dataclass(frozen=True, slots=True)
class Page:
    """The events that follow a cursor."""

    events: tuple[FeedEvent, ...]
    cursor: FeedCursor
    """Position of the next read."""
    more_soon: bool
    """Further events are held back or did not fit: read again after RECHECK_S, because no doorbell rings for them."""
    gap: bool = False
    """The events after the given cursor are no longer stored; ``cursor`` is the present, ``events`` is empty."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The transaction that holds back the feed."""

    for_s: float
    """Age of the oldest event that is held back, in seconds."""
    pid: int | None
    """Process id of the server process; None when it serves no client (a prepared transaction)."""
    application: str
    state: str


_PAGE = """
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin),
place as materialized (
    select i.epoch, now.xmin, now.xmin::text as xmin_text, asked.xid as after_xid, asked.id as after_id,
        (i.pruned_xid, i.pruned_id) > (asked.xid, asked.id) as pruned,
        coalesce((select e.xid from events e order by e.xid desc, e.id desc limit 1) >= now.xmin, false) as held
    from installation i, now, (values ($1::text::xid8, $2::bigint)) asked (xid, id) limit 1
)
select place.epoch, place.xmin_text, place.pruned, place.held,
    e.xid::text as xid, e.id, e.at, e.type, e.lane, e.data::text as data
from place left join lateral (
    select * from events
    where (events.xid, events.id) > (place.after_xid, place.after_id) and events.xid < place.xmin
    order by events.xid, events.id limit (select $3::bigint)
) e on true
order by e.xid, e.id
"""
"""The page after a cursor. Whether events are held back is asked once and of the newest event alone: ``exists`` with a lower
bound would be planned as a scan from the table's start, and repeated for each row of the page. The cursor is a row and the
limit a subquery, so that the plan does not depend on their values: the server then plans once, not at each read.
"""

_PRESENT = """
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin)
select i.epoch, coalesce(last.xid, i.pruned_xid)::text as xid, coalesce(last.id, i.pruned_id) as id
from installation i cross join now left join lateral (
    select e.xid, e.id from events e where e.xid < now.xmin order by e.xid desc, e.id desc limit 1
) last on true
"""


async def current_cursor(connection: Connection) -> FeedCursor:
    """Return the present: the last readable event. Every event of an unfinished transaction follows it.

    The cursor names an event and not the snapshot's xmin: a visible event is on the disk, whereas PostgreSQL reuses the
    numbers of transactions that left nothing there after a crash, possibly for events.
    Read the cursor before the tables: then no change is missed, although one may be read twice.
    """
    row = await connection.fetchrow(_PRESENT)
    if row is None:
        raise LookupError("the database has no installation row. Run `archstats-sensor db migrate`.")
    return FeedCursor(row["epoch"], int(row["xid"]), row["id"])


async def read_page(connection: Connection, after: FeedCursor, limit: int) -> Page:
    """Return at most ``limit`` events that follow ``after``, in order."""
    rows = await connection.fetch(_PAGE, str(after.xid), after.id, limit)
    if not rows:
        raise LookupError("the database has no installation row. Run `archstats-sensor db migrate`.")
    epoch, next_xid = rows[0]["epoch"], int(rows[0]["xmin_text"])
    is_foreign = after.xid >= next_xid  # no page ends there: the id is from another database
    if after.epoch != epoch or rows[0]["pruned"] or is_foreign:
        return Page((), await current_cursor(connection), more_soon=rows[0]["held"], gap=True)
    events = tuple(
        FeedEvent(
            FeedCursor(epoch, int(row["xid"]), row["id"]), row["at"], row["type"], row["lane"], json.loads(row["data"])
        )
        for row in rows
        if row["id"] is not None
    )
    cursor = events[-1].cursor if events else after
    return Page(events, cursor, more_soon=rows[0]["held"] or len(events) == limit)


async def held_back(connection: Connection) -> HeldBack | None:
    """Return the transaction that holds back the feed for more than HELD_BACK_AFTER_S; None without one."""
    row = await connection.fetchrow(_HELD_BACK, timedelta(seconds=HELD_BACK_AFTER_S))
    if row is None:
        return None
    return HeldBack(row["for_s"], row["pid"], row["application_name"] or "", row["state"] or "")


async def prune(connection: Connection, keep: timedelta = RETENTION, most: int = MOST_EVENTS) -> int:
    """Delete events older than ``keep``, and store up to where, so that a reader that resumes there gets a gap.

    Returns the number of deleted events. Only the start of the feed is deleted: all events up to the newest one whose date
    proves that it is old enough, and all but the newest ``most``.
    """
    async with connection.transaction():
        deleted: int = await connection.fetchval(_PRUNE, keep, most, FIRST_RELEASE)
    return deleted


_HELD_BACK = """
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin),
waiting as (
    select min(e.at) as since from now cross join lateral (
        select at from events where events.xid >= now.xmin order by events.xid, events.id offset 0
    ) e having min(e.at) < clock_timestamp() - $1::interval
)
select extract(epoch from clock_timestamp() - waiting.since)::float8 as for_s, a.pid, a.application_name, a.state
from now cross join waiting left join pg_stat_activity a on a.backend_xid = now.xmin::xid
limit 1
"""

_PRUNE = """
with clock as materialized (select clock_timestamp() as now, clock_timestamp() - $1::interval as cutoff),
kept as materialized (
    select e.xid, e.id from events e, clock where e.at >= clock.cutoff and e.at <= clock.now
    order by e.xid, e.id limit 1
),
older as (
    select e.xid, e.id, e.at, max(e.at) filter (where e.at <= clock.now) over (order by e.xid, e.id) as newest_before
    from events e, clock
    where e.xid < pg_snapshot_xmin(pg_current_snapshot())
        and (not exists (select from kept) or (e.xid, e.id) < (select xid, id from kept))
),
outdated as (
    select older.xid, older.id from older, clock
    where older.at < clock.cutoff and older.at >= greatest($3::timestamptz, older.newest_before)
    order by older.xid desc, older.id desc limit 1
),
ends as materialized (
    select (select id from events order by xid desc, id desc limit 1) - (select id from events order by xid, id limit 1)
        - $2::bigint as surplus
),
surplus as (
    select xid, id from events
    where xid < pg_snapshot_xmin(pg_current_snapshot()) and exists (select from ends where ends.surplus >= 0)
    order by xid, id offset (select greatest(ends.surplus, 0) from ends) limit 1
),
last as materialized (
    select xid, id from (select * from outdated union all select * from surplus) found order by xid desc, id desc limit 1
),
gone as (delete from events e where (e.xid, e.id) <= (select xid, id from last) returning 1),
noted as (update installation set pruned_xid = last.xid, pruned_id = last.id from last returning 1)
select count(*) from gone
"""
"""The last event to delete is the newest whose date proves its age. A date proves it where it is after the release of this
table, and not before that of an earlier event: the clock was right then. Events that a clock in the future dated, or one of
1972, go with the events around them; while the clock itself is behind, all dates are in the future and none proves an age.
"""
