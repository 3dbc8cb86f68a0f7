"""Everything that is new to the assembler, read in one statement and one snapshot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from drivers.clock.host import instant_between
from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.shots.store.readings import READING_ROW, ReadingRow

NEWS_AT_ONCE = 2000
"""Number of new readings that are held in memory at once."""


class ChangedSession(NamedTuple):
    """A session of which more changed than its readings."""

    session_id: UUID
    lane: int | None
    """None for a session that was deleted."""
    revision: int


class ArrowRow(NamedTuple):
    """A registered arrow as stored."""

    id: UUID
    diameter_mm: float | None
    is_active: bool
    voided_at: datetime | None


class RebuildRequest(NamedTuple):
    """A pending request to compute a session again."""

    id: int
    session_id: UUID
    lane: int
    is_whole: bool
    """The session is read from the tables anew."""


@dataclass(frozen=True, slots=True)
class Updates:
    """The news of one snapshot."""

    now: Instant
    xmin: int
    """Every earlier transaction has ended, and is included."""
    readings: Sequence[ReadingRow]
    """The new readings; empty when ``exceeds_limit``."""
    exceeds_limit: bool
    """There are more readings than are held at once."""
    watermarks: Mapping[str, Instant]
    """Watermarks of the devices that were asked for."""
    sessions: Sequence[ChangedSession]
    arrows: Sequence[ArrowRow]
    """Changed arrows, and those whose tags the new readings carry."""
    rebuilds: Sequence[RebuildRequest]


ARROW_ROW = "row(a.id, a.diameter, a.is_active, a.voided_date)"
# An arrow's tag is its UUID in hexadecimal; other tags are no arrow's. The readings come in the order of the index, so that
# the limit does not sort all of them. The plan must not depend on the parameters or the size of a table: the server then
# plans once, not at each shot. So the position is a row of its own, and other tables are joined row by row, by their index.
_UPDATES = f"""
with since as materialized (select $1::text::xid8 as xid),
news as materialized (
    select r.* from since cross join lateral (
        select * from readings where readings.xid >= since.xid and not readings.is_surplus
        order by readings.xid limit {NEWS_AT_ONCE + 1}
    ) r
)
select clock_timestamp() as now, pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin,
    array(select {READING_ROW} from news r) as readings,
    array(select row(s.device_id, s.watermark, s.watermark_mono_ns, s.watermark_host_boot_id)
          from device_status s where s.device_id = any($2::text[]) and s.watermark is not null) as watermarks,
    array(select row(c.session_id, (select s.lane from sessions s where s.id = c.session_id), c.revision)
          from since join session_changes c on c.xid >= since.xid) as sessions,
    array(select {ARROW_ROW} from since join arrows a on a.xid >= since.xid
          union
          select {ARROW_ROW} from (select distinct tag::uuid as id from news where length(tag) = 32) tagged
          cross join lateral (select * from arrows where arrows.id = tagged.id limit 1) a) as arrows,
    array(select row(b.id, b.session_id, (select s.lane from sessions s where s.id = b.session_id), b.is_whole)
          from rebuilds b where b.done_at is null order by b.id) as rebuilds
"""  # noqa: S608 - fixed text


async def read_updates(connection: Connection, since_xmin: int, devices: Collection[str]) -> Updates:
    """Read what transactions stored that may have ended since, in any order of commits; some may be known already.

    The watermarks are of the same snapshot as the readings: a landing that a watermark covers is among them.
    """
    before_ns = time.monotonic_ns()
    (row,) = await connection.fetch(_UPDATES, str(since_xmin), list(devices))
    now = instant_between(before_ns, row["now"], time.monotonic_ns())
    readings = [ReadingRow(*one) for one in row["readings"]]
    exceeds_limit = len(readings) > NEWS_AT_ONCE
    return Updates(
        now=now,
        xmin=row["xmin"],
        readings=[] if exceeds_limit else readings,
        exceeds_limit=exceeds_limit,
        watermarks={device: Instant(*instant) for device, *instant in row["watermarks"]},
        sessions=[ChangedSession(*one) for one in row["sessions"]],
        arrows=[ArrowRow(*one) for one in row["arrows"]],
        rebuilds=[RebuildRequest(*one) for one in row["rebuilds"]],
    )


async def pages_since(connection: Connection, since_xmin: int) -> AsyncIterator[list[ReadingRow]]:
    """The readings of the transactions that may have ended since, at most ``NEWS_AT_ONCE`` at a time. One snapshot covers them all."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(
            f"select {READING_ROW} as row from readings r"  # noqa: S608
            " where r.xid >= $1::text::xid8 and not r.is_surplus order by r.xid",
            str(since_xmin),
        )
        while page := await cursor.fetch(NEWS_AT_ONCE):
            yield [ReadingRow(*record["row"]) for record in page]
