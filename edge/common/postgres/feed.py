"""Read the feed: every event once, in order, whatever the order in which the writers commit.

An event is ordered by its writer's transaction number and, within that, by its own. Numbers are given out before the
commit, so an event of a lower number may yet appear while a transaction as old is running. Therefore the reader stops
below the oldest running transaction that can still write (the snapshot's xmin) and looks again soon while events wait
there: nobody rings for them a second time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edge.common.postgres.connection import Connection

RETENTION = timedelta(days=7)
LOOK_AGAIN_S = 0.02
"""How long a reader waits while events are held back."""
HELD_BACK_AFTER_S = 2.0
"""A feed held back for longer is a fault that people are told of."""

_LAST_ID = 2**63 - 1
_PUBLIC_ID = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,20})-([0-9]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """A place in the feed: everything up to and with this has been seen. Its text is the public id of an event."""

    epoch: str
    """Which life of the database; another one after a restore."""
    xid: int
    id: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.xid}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> FeedCursor:
        """Read a public id. Raises ValueError."""
        parts = _PUBLIC_ID.fullmatch(text)
        if parts is None or int(parts[2]) >= 2**64 or int(parts[3]) > _LAST_ID:
            raise ValueError(f"{text[:80]!r} is not the id of an event")
        return cls(parts[1], int(parts[2]), int(parts[3]))


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event."""

    cursor: FeedCursor
    """The place right after it; ``str`` of it is the event's public id."""
    at: datetime
    type: str
    lane: int | None
    data: Mapping[str, Any]
    """The row it tells of, as JSON values."""


@dataclass(frozen=True, slots=True)
class Page:
    """What follows a cursor."""

    events: tuple[FeedEvent, ...]
    cursor: FeedCursor
    """Where to read on."""
    more_soon: bool
    """Events exist that may not be told yet (or did not fit): look again in LOOK_AGAIN_S, no bell will ring for them."""
    gap: bool = False
    """What followed the given cursor is not known any more; ``cursor`` is the present, ``events`` is empty."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The transaction that keeps the feed from moving on."""

    for_s: float
    """How long the oldest event has been waiting."""
    pid: int | None
    """The server's process; None when it is not a client's (a prepared transaction)."""
    application: str
    state: str


_PAGE = """
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin),
place as (
    select i.epoch, now.xmin, now.xmin::text as xmin_text,
        (i.pruned_xid, i.pruned_id) > ($1::text::xid8, $2::bigint) as pruned,
        exists (select from events e where e.xid >= now.xmin) as held
    from installation i, now
)
select place.epoch, place.xmin_text, place.pruned, place.held,
    e.xid::text as xid, e.id, e.at, e.type, e.lane, e.data::text as data
from place left join lateral (
    select * from events
    where (events.xid, events.id) > ($1::text::xid8, $2::bigint) and events.xid < place.xmin
    order by events.xid, events.id limit $3
) e on true
order by e.xid, e.id
"""


_PRESENT = """
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin)
select i.epoch, coalesce(last.xid, i.pruned_xid)::text as xid, coalesce(last.id, i.pruned_id) as id
from installation i left join lateral (
    select e.xid, e.id from events e, now where e.xid < now.xmin order by e.xid desc, e.id desc limit 1
) last on true
"""


async def current_cursor(connection: Connection) -> FeedCursor:
    """The present: the last event that may be told. Every event of a transaction that is not over yet comes after it.

    It names an event and not the snapshot's xmin: an event that can be seen is on the disk, whereas the numbers of
    transactions that left nothing there are given out again after a crash of the server, and to events.
    Take the cursor first and read the tables then, so that nothing falls between; a change may be seen twice.
    """
    row = await connection.fetchrow(_PRESENT)
    if row is None:
        raise LookupError("the database has no installation row; run: archstats-sensor db migrate")
    return FeedCursor(row["epoch"], int(row["xid"]), row["id"])


async def read_page(connection: Connection, after: FeedCursor, limit: int) -> Page:
    """At most ``limit`` events that follow ``after``, in order."""
    rows = await connection.fetch(_PAGE, str(after.xid), after.id, limit)
    if not rows:
        raise LookupError("the database has no installation row; run: archstats-sensor db migrate")
    epoch, next_xid = rows[0]["epoch"], int(rows[0]["xmin_text"])
    never_told = after.xid >= next_xid  # no page ever ended there: an id from elsewhere
    if after.epoch != epoch or rows[0]["pruned"] or never_told:
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
    """What has kept the feed from moving on for more than HELD_BACK_AFTER_S; None when nothing has."""
    row = await connection.fetchrow(_HELD_BACK, timedelta(seconds=HELD_BACK_AFTER_S))
    if row is None:
        return None
    return HeldBack(row["for_s"], row["pid"], row["application_name"] or "", row["state"] or "")


async def prune(connection: Connection, keep: timedelta = RETENTION) -> int:
    """Forget events older than ``keep`` and remember up to where, so that whoever resumes there is told of a gap.

    Returns how many were forgotten. Only a beginning of the feed goes: everything before the first event to be kept.
    """
    async with connection.transaction():
        deleted: int = await connection.fetchval(_PRUNE, keep)
    return deleted


_HELD_BACK = """
with now as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin),
waiting as (
    select min(e.at) as since from events e, now where e.xid >= now.xmin
    having min(e.at) < clock_timestamp() - $1::interval
)
select extract(epoch from clock_timestamp() - waiting.since)::float8 as for_s, a.pid, a.application_name, a.state
from now cross join waiting left join pg_stat_activity a on a.backend_xid = now.xmin::xid
limit 1
"""

_PRUNE = """
with kept as (
    select xid, id from events where at >= clock_timestamp() - $1::interval order by xid, id limit 1
),
gone as (
    delete from events e
    where not exists (select from kept) and e.xid < pg_snapshot_xmin(pg_current_snapshot())
        or (e.xid, e.id) < (select xid, id from kept)
    returning e.xid, e.id
),
last as (select xid, id from gone order by xid desc, id desc limit 1),
noted as (
    update installation set pruned_xid = last.xid, pruned_id = last.id from last returning 1
)
select count(*) from gone
"""
