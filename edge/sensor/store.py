"""SQL of the sensor daemon: devices, readings, gaps, clocks, quarantine and the device's status row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from drivers.contract import DEFAULT_DEAD_TIME_S, ClockModel, DeviceKind, Reading, SensorOrigin, StreamStart
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ReportKind
from edge.sensor.boots import BootRecorder
from edge.sensor.chatter import NOTHING_SURPLUS, Judgement
from edge.sensor.gap_rows import insert_blind_interval, insert_lost_events, insert_start_gap
from edge.sensor.quarantine import plain, quarantine_row
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.serialise import AWAITED_KINDS
from edge.sensor.queue.spooled import SpoolSize
from edge.sensor.status import Status

STATUS_INTERVAL_S: Final = 1.5
"""Least interval in the status row: after three without an update, readers count the device as silent."""
CLOCKS_LOADED: Final = 16
"""Number of newest clocks that a starting daemon loads: a device has no event of an older boot left."""

_INSERT_READINGS: Final = """
insert into readings (device_id, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, source,
                      tag, tags, x_mm, y_mm, rssi_dbm, cause, launch_mps, quality, reason, is_surplus)
select $1, stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, source,
       tag, string_to_array(tags, ','), x_mm, y_mm, rssi_dbm, cause, launch_mps, quality, reason,
       is_surplus
from unnest($2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::float8[], $7::bigint[], $8::uuid[],
            $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::float8[], $14::float8[], $15::smallint[],
            $16::text[], $17::float8[], $18::smallint[], $19::text[], $20::boolean[])
     as fresh (stream_id, seq, kind, at, uncertainty_s, mono_ns, host_boot_id, received_at, source,
               tag, tags, x_mm, y_mm, rssi_dbm, cause, launch_mps, quality, reason, is_surplus)
on conflict do nothing
"""

_UPSERT_CLOCK: Final = """
insert into stream_clocks (device_id, stream_id, host_boot_id, ref_ticks_us, ref_mono_ns, skew, uncertainty_s,
                           skew_uncertainty)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (device_id, stream_id) do update set
    host_boot_id = excluded.host_boot_id, ref_ticks_us = excluded.ref_ticks_us, ref_mono_ns = excluded.ref_mono_ns,
    skew = excluded.skew, uncertainty_s = excluded.uncertainty_s, skew_uncertainty = excluded.skew_uncertainty,
    updated_at = now()
"""

_UPSERT_STATUS: Final = """
insert into device_status (device_id, state, since, stream_id, watermark, watermark_mono_ns, watermark_host_boot_id,
                           interval_s, battery_percent, rssi_dbm, readings_total, queued, counters, source, firmware, error, hint,
                           spool_rows, spool_bytes, spool_oldest_at, spool_error, chatters, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        clock_timestamp())
on conflict (device_id) do update set
    state = excluded.state, since = excluded.since, stream_id = excluded.stream_id,
    watermark = coalesce(excluded.watermark, device_status.watermark),
    watermark_mono_ns = case when excluded.watermark is null then device_status.watermark_mono_ns
                             else excluded.watermark_mono_ns end,
    watermark_host_boot_id = case when excluded.watermark is null then device_status.watermark_host_boot_id
                                  else excluded.watermark_host_boot_id end,
    interval_s = excluded.interval_s, battery_percent = excluded.battery_percent, rssi_dbm = excluded.rssi_dbm,
    readings_total = excluded.readings_total, queued = excluded.queued, counters = excluded.counters,
    source = coalesce(excluded.source, device_status.source),
    firmware = coalesce(excluded.firmware, device_status.firmware), error = excluded.error, hint = excluded.hint,
    spool_rows = excluded.spool_rows, spool_bytes = excluded.spool_bytes, spool_oldest_at = excluded.spool_oldest_at,
    spool_error = excluded.spool_error, chatters = excluded.chatters, updated_at = excluded.updated_at
"""

_CONFIRM_STATUS: Final = """
update device_status set
    watermark = coalesce($2, watermark),
    watermark_mono_ns = case when $2 is null then watermark_mono_ns else $3 end,
    watermark_host_boot_id = case when $2 is null then watermark_host_boot_id else $4 end,
    updated_at = clock_timestamp()
where device_id = $1
"""


@dataclass(frozen=True, slots=True)
class Device:
    """The device that this daemon serves."""

    id: str
    kind: DeviceKind
    driver: str
    lane: int | None
    heartbeat_s: float
    port: str | None = None
    """The port it is plugged into, for the technician."""
    origin: SensorOrigin = SensorOrigin.LOWER_LEFT
    """The point that its raw positions count from."""
    dead_time_s: float = DEFAULT_DEAD_TIME_S
    """See :class:`drivers.contract.DriverInfo`."""


class SensorStore:
    """The statements of one daemon on one connection."""

    def __init__(self, connection: Connection, device: Device, boots: BootRecorder | None = None) -> None:
        self._connection = connection
        self._device = device
        self._boots = boots or BootRecorder()

    async def register(self, since: Instant | None = None) -> None:
        """Register the device and this host's boot; leaves the row of an unchanged device alone.

        ``since`` is the instant of its move to the lane, where the lane changes; by default now.
        """
        since = since or host_now()
        await self._boots.renew(self._connection, at_once=True)
        await self._connection.execute(
            """
            insert into devices (id, kind, driver, lane, sensor_origin, dead_time_s) values ($1, $2, $3, $4, $5, $9)
            on conflict (id) do update set kind = excluded.kind, driver = excluded.driver, lane = excluded.lane,
                sensor_origin = excluded.sensor_origin, dead_time_s = excluded.dead_time_s,
                lane_since = $6, lane_since_mono_ns = $7, lane_since_host_boot_id = $8
            where (devices.kind, devices.driver, devices.lane, devices.sensor_origin, devices.dead_time_s) is distinct from
                  (excluded.kind, excluded.driver, excluded.lane, excluded.sensor_origin, excluded.dead_time_s)
            """,
            self._device.id,
            self._device.kind.value,
            self._device.driver,
            self._device.lane,
            self._device.origin.value,
            *since.columns,
            self._device.dead_time_s,
        )

    async def record_boot(self) -> str | None:
        """Record the host's clocks, if it is due; returns the fault of its wall clock, or None."""
        await self._boots.renew(self._connection)
        return self._boots.warning

    async def clocks(self) -> list[ClockModel]:
        """The newest clocks of this device's streams, newest first."""
        rows = await self._connection.fetch(
            """
            select stream_id, host_boot_id, ref_ticks_us, ref_mono_ns, skew, uncertainty_s, skew_uncertainty
            from stream_clocks where device_id = $1 order by updated_at desc limit $2
            """,
            self._device.id,
            CLOCKS_LOADED,
        )
        return [ClockModel(**dict(row)) for row in rows]

    async def stored_runs(self, stream_id: UUID) -> list[tuple[int, int]]:
        """First and last of each run of sequence numbers that the database holds of a stream.

        A quarantined reading counts once the operator has settled it.
        """
        rows = await self._connection.fetch(
            """
            select min(seq)::bigint as first, max(seq)::bigint as last
            from (select seq, seq - row_number() over (order by seq) as run from (
                      select seq from readings where device_id = $1 and stream_id = $2
                      union
                      select seq from quarantine
                      where device_id = $1 and stream_id = $2 and kind = $3 and settled_at is not null
                          and seq between 1 and 9223372036854775807) known
                 ) numbered
            group by run
            """,
            self._device.id,
            stream_id,
            ReportKind.READING.value,
        )
        return [(row["first"], row["last"]) for row in rows]

    async def write(
        self, reports: Sequence[Storable], last_watermark: Instant | None, judgement: Judgement = NOTHING_SURPLUS
    ) -> None:
        """Store a batch, or a part of it, in one transaction; existing rows stay unchanged.

        The blind intervals of the batch are stored with a surplus reading.
        """
        readings = [report for report in reports if isinstance(report, Reading)]
        surplus = judgement.flags(readings)
        blind = judgement.blind if any(surplus) else ()
        # outside of the transaction: one that fails would take the boots with it
        await self._boots.take(self._connection, [r.stamp for r in readings])
        if len(readings) == len(reports) and not blind:
            await self._insert(readings, surplus)
            return
        async with self._connection.transaction():
            for report in reports:
                if isinstance(report, StreamStart):
                    await insert_start_gap(self._connection, self._device.id, report, last_watermark)
                elif isinstance(report, ClockModel):
                    await self._upsert_clock(report)
            for interval in blind:
                await insert_blind_interval(self._connection, self._device.id, interval)
            if readings:
                await self._insert(readings, surplus)

    async def write_status(
        self,
        status: Status,
        watermark: Instant | None,
        queued: int,
        counters: Mapping[str, int],
        spool: SpoolSize,
        spool_error: str | None = None,
    ) -> None:
        """Write the status row. It is UNLOGGED: no fsync unless the state changed."""
        await self._connection.execute(
            _UPSERT_STATUS,
            self._device.id,
            status.state.value,
            status.since,
            status.stream_id,
            *(watermark.columns if watermark else (None, None, None)),
            max(self._device.heartbeat_s, STATUS_INTERVAL_S),
            status.battery_percent,
            status.rssi_dbm,
            status.readings_total,
            queued,
            json.dumps(dict(counters)),
            status.source.value if status.source else None,
            _text(status.identity.firmware if status.identity else None),
            *map(_text, status.trouble),
            spool.rows,
            spool.bytes,
            spool.oldest_at,
            _text(spool_error),
            status.chatter is not None,
        )

    async def write_bare_status(self, status: Status, watermark: Instant | None, refusal: str) -> None:
        """Write the status row without anything that the device or this machine reported: the database refused that."""
        bare = Status(
            status.state,
            status.since,
            chatter=status.chatter,
            error=f"the database refuses the status of {self._device.id} ({refusal})",
            hint="Its readings and watermark are stored. Please report this as a bug.",
        )
        await self.write_status(bare, watermark, 0, {}, SpoolSize())

    async def confirm_status(self, watermark: Instant | None) -> bool:
        """Renew the instant and the watermark of an unchanged status row; False when there is no row."""
        done: str = await self._connection.execute(
            _CONFIRM_STATUS, self._device.id, *(watermark.columns if watermark else (None, None, None))
        )
        return done != "UPDATE 0"

    async def _insert(self, readings: Sequence[Reading], surplus: Sequence[bool]) -> None:
        await self._connection.execute(
            _INSERT_READINGS,
            self._device.id,
            [r.stream_id for r in readings],
            [r.seq for r in readings],
            [r.kind for r in readings],
            [r.stamp.at for r in readings],
            [r.stamp.uncertainty_s for r in readings],
            [r.stamp.mono_ns for r in readings],
            [r.stamp.host_boot_id for r in readings],
            [r.received_at for r in readings],
            [r.source for r in readings],
            [r.tag for r in readings],
            [None if r.tags is None else ",".join(r.tags) for r in readings],
            [r.x_mm for r in readings],
            [r.y_mm for r in readings],
            [r.rssi_dbm for r in readings],
            [r.cause for r in readings],
            [r.launch_mps for r in readings],
            [r.quality for r in readings],
            [r.reason for r in readings],
            surplus,
        )

    async def has_unsettled(self, streams: Sequence[UUID]) -> bool:
        """Whether the quarantine holds an unsettled reading or start of these streams."""
        unsettled: bool = await self._connection.fetchval(
            """
            select exists (select from quarantine
                           where device_id = $1 and stream_id = any($2) and kind = any($3) and settled_at is null)
            """,
            self._device.id,
            streams,
            [kind.value for kind in AWAITED_KINDS],
        )
        return unsettled

    async def write_lost_events(self, last_watermark: Instant | None, until: Instant, reason: str) -> None:
        """Store the gap that lost events leave: no miss in it can be confirmed."""
        await insert_lost_events(self._connection, self._device.id, last_watermark, until, reason)

    async def quarantine(self, report: Storable, reason: str, sqlstate: str) -> None:
        """Store a report that the database refuses in the quarantine, with the database's reason."""
        await self._connection.execute(
            """
            insert into quarantine (device_id, kind, stream_id, seq, row, reason, sqlstate)
            values ($1, $2, $3, $4::text::numeric, $5::text::jsonb, $6, $7) on conflict do nothing
            """,
            self._device.id,
            *quarantine_row(report),
            plain(reason),
            sqlstate,
        )

    async def settled(self, streams: Sequence[UUID]) -> list[tuple[UUID, int | None]]:
        """The settled rows of these streams: a reading by its number, a start as None."""
        rows = await self._connection.fetch(
            """
            select stream_id, case kind when $4 then seq::bigint end as seq from quarantine
            where device_id = $1 and stream_id = any($2) and kind = any($3) and settled_at is not null
                and seq < 9223372036854775808
            """,
            self._device.id,
            streams,
            [kind.value for kind in AWAITED_KINDS],
            ReportKind.READING.value,
        )
        return [(row["stream_id"], row["seq"]) for row in rows]

    async def _upsert_clock(self, clock: ClockModel) -> None:
        await self._connection.execute(
            _UPSERT_CLOCK,
            self._device.id,
            clock.stream_id,
            clock.host_boot_id,
            clock.ref_ticks_us,
            clock.ref_mono_ns,
            clock.skew,
            clock.uncertainty_s,
            clock.skew_uncertainty,
        )


def _text(text: str | None) -> str | None:
    """A text of the status row as every database accepts it."""
    return None if text is None else plain(text)
