"""SQL of ``device_gaps``: intervals in which the device may have missed events, or its events are lost or hidden."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from drivers.clock.instant import EPOCH, Instant, optional_instant_of
from drivers.contract import StreamStart
from edge.common.postgres.connection import Connection
from edge.sensor.chatter import BlindInterval

UNKNOWN_PAST: Final = EPOCH
"""Start of a gap whose true start is unknown."""
REBOOTING: Final = "the device was rebooting"
PAST_UNKNOWN: Final = "the device's past is not known"
CHATTER: Final = "the device reported more than archers can shoot: true events may hide among them"

_INSERT_START_GAP: Final = """
insert into device_gaps (device_id, stream_id, since, since_mono_ns, since_host_boot_id,
                         until, until_mono_ns, until_host_boot_id, reason, begins_stream)
select $1, $2, least($3::timestamptz, $6::timestamptz), $4::bigint, $5::uuid, $6, $7::bigint, $8::uuid, $9, $10
where not exists (select from device_gaps where device_id = $1 and stream_id = $2)
"""

_INSERT_GAP: Final = """
insert into device_gaps (device_id, stream_id, since, since_mono_ns, since_host_boot_id,
                         until, until_mono_ns, until_host_boot_id, reason, begins_stream)
values ($1, $2, least($3::timestamptz, $6::timestamptz), $4, $5, $6, $7, $8, $9, false)
on conflict do nothing
"""


async def insert_start_gap(
    connection: Connection, device_id: str, start: StreamStart, last_watermark: Instant | None
) -> None:
    """Store the gap before a stream's start. Writes nothing when the stream has one already.

    Where the driver states a reason, events are lost and the device did not restart.
    """
    since, reason = await _blind_since(connection, device_id, start, last_watermark)
    await connection.execute(
        _INSERT_START_GAP,
        device_id,
        start.stream_id,
        *_columns(since),
        *_columns(start.stamp),
        reason,
        start.reason is None,
    )


async def insert_lost_events(
    connection: Connection, device_id: str, last_watermark: Instant | None, until: Instant, reason: str
) -> None:
    """Store the gap that lost events leave. It gets a stream id of its own, because no stream starts at its end."""
    since = last_watermark or await _previous_watermark(connection, device_id)
    await connection.execute(_INSERT_GAP, device_id, uuid4(), *_columns(since), *_columns(until), reason)


async def insert_blind_interval(connection: Connection, device_id: str, interval: BlindInterval) -> None:
    """Store the gap that surplus readings leave; storing it again changes nothing."""
    columns = (*interval.since.columns, *interval.until.columns)
    await connection.execute(_INSERT_GAP, device_id, interval.id, *columns, CHATTER)


async def _blind_since(
    connection: Connection, device_id: str, start: StreamStart, last_watermark: Instant | None
) -> tuple[Instant | None, str]:
    """The instant from which the device may have missed events, and the reason.

    A device reports how long it was blind before each boot that it remembers. When the boot before one of these is
    unknown here, there were more boots, and events are certain only up to the last watermark.
    """
    previous = start.previous_stream_id
    if start.blind_since is not None and (previous is None or await _is_known(connection, device_id, previous)):
        return start.blind_since, start.reason or REBOOTING
    return last_watermark or await _previous_watermark(connection, device_id), PAST_UNKNOWN


async def _previous_watermark(connection: Connection, device_id: str) -> Instant | None:
    """The watermark that the previous daemon wrote."""
    row = await connection.fetchrow(
        "select watermark, watermark_mono_ns, watermark_host_boot_id from device_status where device_id = $1", device_id
    )
    return None if row is None else optional_instant_of(row, "watermark")


async def _is_known(connection: Connection, device_id: str, stream_id: UUID) -> bool:
    """Whether a stream is known: each start leaves a row."""
    known: bool = await connection.fetchval(
        "select exists (select from device_gaps where device_id = $1 and stream_id = $2)", device_id, stream_id
    )
    return known


def _columns(instant: Instant | None) -> tuple[datetime, int | None, UUID | None]:
    """The three columns of an instant; without one the past is unknown."""
    return (instant or Instant(UNKNOWN_PAST)).columns
