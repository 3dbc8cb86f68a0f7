"""Stored readings of sessions, and the sessions that readings may belong to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ReadingKind, ReleaseCause
from edge.shots.assembly.model import ReadingKey, TimedReading
from edge.shots.assembly.timeline import Axis
from edge.shots.assembly.window import AFTER_END, BEFORE_START, SessionWindow
from edge.shots.store.instants import SPAN_OF_SESSION

ROWS_AT_ONCE = 500
"""Rows that are converted without a pause: a few milliseconds."""


class ReadingRow(NamedTuple):
    """One row of ``readings``."""

    device_id: str
    stream_id: UUID
    seq: int
    kind: str
    at: datetime
    uncertainty_s: float | None
    mono_ns: int | None
    host_boot_id: UUID
    received_at: datetime
    tag: str | None
    tags: list[str] | None
    x_mm: float | None
    y_mm: float | None
    rssi_dbm: int | None
    cause: str | None
    launch_mps: float | None
    xid: int

    @property
    def key(self) -> ReadingKey:
        """The permanent name of the reading."""
        return ReadingKey(self.device_id, self.stream_id, self.seq)

    @property
    def instant(self) -> Instant:
        """When it happened."""
        return Instant(self.at, self.mono_ns, self.host_boot_id)


READING_ROW = f"row({', '.join(f'r.{name}' for name in ReadingRow._fields[:-1])}, r.xid::text::bigint)"
"""SQL of a reading ``r`` as one value, for :class:`ReadingRow`."""

# The readings of the session's first boot by the monotonic clock; those of later boots of its host by their boot, up to its
# closing; of all others by the wall clock.
_READINGS_OF = f"""
with wanted as (
    select s.id, s.start_time, s.end_time, s.start_mono_ns, s.start_host_boot_id, s.closing_host_boot_id,
        s.closing_mono_ns + (extract(epoch from $3::interval) * 1e9)::bigint as closing_ns,
        case when s.end_time is null or s.closing_host_boot_id is distinct from s.start_host_boot_id
            then 9223372036854775807 else s.closing_mono_ns + (extract(epoch from $3::interval) * 1e9)::bigint
        end as last_ns,
        array(select distinct device_id from session_devices where session_id = s.id) as devices,
        array(select b.host_boot_id from host_boots f join host_boots b on b.number > f.number and b.number > f.seen_after
                and (b.host_id = f.host_id) is not false
            where f.host_boot_id = s.start_host_boot_id and (s.end_time is null or not exists (
                select from host_boots c where c.host_boot_id = s.closing_host_boot_id and c.number < b.number
                    and (c.host_id = b.host_id) is not false))) as later
    from sessions s where s.id = any($1)
)
select w.id, {READING_ROW} as row from wanted w join readings r
    on r.device_id = any(w.devices) and not r.is_surplus and r.host_boot_id = w.start_host_boot_id
    and r.mono_ns between w.start_mono_ns - (extract(epoch from $2::interval) * 1e9)::bigint and w.last_ns
union all
select w.id, {READING_ROW} from wanted w join readings r
    on r.device_id = any(w.devices) and not r.is_surplus and r.host_boot_id = any(w.later)
    and (w.end_time is null or r.host_boot_id <> w.closing_host_boot_id or r.mono_ns <= w.closing_ns) is not false
union all
select w.id, {READING_ROW} from wanted w join readings r
    on r.device_id = any(w.devices) and not r.is_surplus and r.at >= w.start_time - $2::interval
    and r.at <= coalesce(w.end_time, 'infinity') + $3::interval
    and (r.host_boot_id = w.start_host_boot_id and r.mono_ns is not null and w.start_mono_ns is not null) is not true
    and r.host_boot_id <> all(w.later)
"""  # noqa: S608 - fixed text

# Which of the sessions found here a reading belongs to is decided by the session's window. The nearness in time comes first:
# a device has years of sessions. Few are open, and few outlived a boot.
_SESSIONS_NEAR = f"""
with news as materialized (
    select * from unnest($3::text[], $4::timestamptz[], $5::bigint[], $6::uuid[]) as r (device_id, at, mono_ns, host_boot_id)
),
near as materialized (
    select s.id, r.device_id
    from news r join sessions s
        on tstzrange(s.start_time, s.end_time) && tstzrange(r.at - $2::interval, r.at + $1::interval)
    union
    select s.id, r.device_id
    from news r join sessions s on r.host_boot_id = s.start_host_boot_id and {SPAN_OF_SESSION}
        && int8range(r.mono_ns - (extract(epoch from $2::interval) * 1e9)::bigint,
            r.mono_ns + (extract(epoch from $1::interval) * 1e9)::bigint)
    union
    select s.id, r.device_id
    from (select distinct device_id, host_boot_id from news) r
        join sessions s on s.closing_host_boot_id is distinct from s.start_host_boot_id
            and s.start_host_boot_id <> r.host_boot_id
)
select distinct id from near n
where exists (select from session_devices d where d.session_id = n.id and d.device_id = n.device_id)
"""  # noqa: S608 - fixed text


class TooManyReadings(Exception):
    """Sessions have more readings than were to be loaded at once, those of devices that moved to other lanes included."""


async def readings_of(
    connection: Connection, windows: Mapping[UUID, SessionWindow], limit: int | None = None
) -> dict[UUID, list[ReadingRow]]:
    """Every stored reading that may belong to the sessions, by session. Raises TooManyReadings for ``limit`` or more in all."""
    found: dict[UUID, list[ReadingRow]] = defaultdict(list)
    records = await connection.fetch(f"{_READINGS_OF} limit $4", list(windows), BEFORE_START, AFTER_END, limit)
    if limit is not None and len(records) >= limit:
        raise TooManyReadings
    for count, record in enumerate(records, 1):
        row = ReadingRow(*record["row"])
        if windows[record["id"]].holds(row.device_id, row.instant):
            found[record["id"]].append(row)
        if count % ROWS_AT_ONCE == 0:
            await asyncio.sleep(0)  # let the loop answer in between
    return found


async def sessions_near(connection: Connection, rows: Sequence[ReadingRow]) -> set[UUID]:
    """The sessions that readings may belong to, by device and roughly by time."""
    if not rows:
        return set()
    found = await connection.fetch(
        _SESSIONS_NEAR,
        BEFORE_START,
        AFTER_END,
        [row.device_id for row in rows],
        [row.at for row in rows],
        [row.mono_ns for row in rows],
        [row.host_boot_id for row in rows],
    )
    return {record["id"] for record in found}


def timed_reading(row: ReadingRow, axis: Axis) -> TimedReading:
    """A reading with its place on the session's time axis, dated by the session's clock."""
    t = axis.seconds_of(row.instant)
    return TimedReading(
        key=row.key,
        kind=ReadingKind(row.kind),
        t=t,
        at=axis.utc_of(t),
        error_s=row.uncertainty_s,
        tag=row.tag,
        tags=None if row.tags is None else tuple(row.tags),
        x=row.x_mm,
        y=row.y_mm,
        rssi=row.rssi_dbm,
        cause=None if row.cause is None else ReleaseCause(row.cause),
        launch_mps=row.launch_mps,
        receive_delay_s=(row.received_at - row.at).total_seconds(),
    )
