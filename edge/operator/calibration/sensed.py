"""The readings of a target as its daemon stores them: read beside the running daemon, never from its port."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from edge.common.config.errors import CommandError
from edge.common.frames import SensorPoint
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceState, ReadingKind
from edge.operator.calibration.target_run import SensedPoint
from edge.operator.devices import find_device, start_hint

POLL_S: Final = 1.0
"""Longest time between two looks at the table; a doorbell brings one at once."""
MOST_AT_ONCE: Final = 100
"""Readings kept between two looks; the oldest are dropped, and a later press replaces them."""

_NEW_READINGS = """
select pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
    array(select row(r.stream_id, r.seq, r.at, r.x_mm, r.y_mm, r.reason) from readings r
          where r.xid >= $1::text::xid8 and r.device_id = $2 and r.kind = $3 and not r.is_surplus
          order by r.xid, r.seq limit 100) as readings
"""


@dataclass(frozen=True, slots=True)
class NoPosition:
    """A reading without a position."""

    reason: str | None


class SensedReadings:
    """The readings of one kind that a device reports from now on."""

    def __init__(self, connection: Connection, device_id: str, kind: ReadingKind, xmin: str) -> None:
        self._connection = connection
        self._device_id = device_id
        self._kind = kind
        self._xmin = xmin
        self._known: set[tuple[UUID, int]] = set()
        self._waiting: deque[SensedPoint | NoPosition] = deque(maxlen=MOST_AT_ONCE)
        self._rung = asyncio.Event()

    def wake(self) -> None:
        """End the present wait."""
        self._rung.set()

    async def skip_present(self) -> None:
        """Take the stored readings as known."""
        await self._look()
        self._waiting.clear()

    async def next(self, within_s: float = POLL_S) -> SensedPoint | NoPosition | None:
        """The next reading; None when there is none within ``within_s``, or when woken without one."""
        if not self._waiting:
            await self._look()
        if not self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._rung.wait()
            self._rung.clear()
            await self._look()
        return self._waiting.popleft() if self._waiting else None

    async def _look(self) -> None:
        row = await self._connection.fetchrow(_NEW_READINGS, self._xmin, self._device_id, self._kind.value)
        if row is None:
            return
        self._xmin = row["xmin"]
        for stream_id, seq, at, x, y, reason in row["readings"]:
            if (stream_id, seq) in self._known:
                continue
            self._known.add((stream_id, seq))
            if x is None or y is None:
                self._waiting.append(NoPosition(reason))
            else:
                self._waiting.append(SensedPoint(self._device_id, stream_id, seq, at, SensorPoint(x, y)))


@asynccontextmanager
async def sensed_readings(connection: Connection, device_id: str, kind: ReadingKind) -> AsyncIterator[SensedReadings]:
    """The new readings of a device while the block runs. The connection does nothing else in between."""
    row = await connection.fetchrow(
        "select channel || '_readings' as channel, pg_snapshot_xmin(pg_current_snapshot())::text as xmin from installation"
    )
    if row is None:
        raise RuntimeError("the database has no installation row")
    readings = SensedReadings(connection, device_id, kind, row["xmin"])

    def ring(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload in ("", device_id):
            readings.wake()

    await connection.add_listener(row["channel"], ring)
    try:
        await readings.skip_present()
        yield readings
    finally:
        if not connection.is_closed():
            await connection.remove_listener(row["channel"], ring)


async def trouble_of(connection: Connection, device_id: str) -> CommandError | None:
    """The reason why a device reports nothing now, with the remedy; None for a device that is ready."""
    found = await find_device(connection, device_id)
    if found.state in (DeviceState.READY, DeviceState.DEGRADED):
        return None
    if not found.is_served:
        return CommandError(f"the daemon of {device_id} does not run", hint=start_hint(device_id))
    if found.state is DeviceState.SILENT:
        return CommandError(
            f"{device_id} is silent: {(found.error or 'it reports nothing').removeprefix('silent: ')}",
            hint=found.hint or "Check that the device is switched on.",
        )
    error = f": {found.error}" if found.error else ""
    return CommandError(
        f"{device_id} is {found.state} and not ready{error}", hint=found.hint or "Check the device and its cable."
    )
