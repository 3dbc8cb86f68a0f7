"""End of a simulated range: closes its sessions, and reads how far its devices' events are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from uuid import UUID

from drivers.clock.host import host_boot_id, host_now
from drivers.clock.instant import Instant
from edge.common.console import complain
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, describe_error
from edge.common.postgres.reconnect import reconnecting
from edge.operator.sessions import close_abandoned, is_open, request_close
from edge.simulation.setup import LOCATION
from simulators.hosttime import HostTime

CLOSED_WITHIN_S = 30.0
"""Longest wait for the sessions to close. The devices' last events arrive within seconds, unless something is broken."""
DATABASE_WITHIN_S = 10.0
"""Longest wait for an unavailable database."""
POLL_S = 0.05
WATERMARK_WITHIN_S = 1.0
"""Longest query for the watermarks, because an operator waits for the range to stop."""


async def close_in_order(
    database: Database, sessions: Mapping[UUID, int], settled: Instant, stop: asyncio.Event
) -> None:
    """Request the close of each lane's session at ``settled``, and wait until the assembler has closed them all.

    The assembler closes a session when every device event is stored. A verdict alone is not enough: the engage of a decided
    shot, or the nocking that reveals a let-down, may still be in transit.
    """

    async def work(connection: Connection) -> None:
        for lane in sessions.values():
            await request_close(connection, lane, settled)
        # Polled, because a listener would need another connection.
        while any([await is_open(connection, session) for session in sessions]) and not stop.is_set():  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSED_WITHIN_S):
            await _retrying(database, work)


async def common_watermark_us(database: Database, sessions: Mapping[UUID, int], host: HostTime) -> int | None:
    """Instant up to which every event of every device of the sessions is stored, in microseconds since the epoch.

    None while the database is unavailable, or while a device has no watermark, for example after a crash of PostgreSQL.
    """
    try:
        async with asyncio.timeout(WATERMARK_WITHIN_S):
            connection = await database.connect()
            try:
                rows = await connection.fetch(
                    """
                    select case when s.watermark_host_boot_id = $2 then s.watermark_mono_ns end as mono_ns
                    from session_devices d left join device_status s using (device_id)
                    where d.session_id = any($1::uuid[])
                    """,
                    list(sessions),
                    host_boot_id(),
                )
            finally:
                connection.terminate()
    except DATABASE_FAULTS:
        return None
    watermarks: list[int | None] = [row["mono_ns"] for row in rows]
    known = [mono_ns for mono_ns in watermarks if mono_ns is not None]
    if not known or len(known) < len(watermarks):
        return None
    return host.utc_us + (min(known) - host.mono_ns) // 1000


async def close_remaining(database: Database) -> None:
    """Close the sessions that are still open, at once: the assembler no longer runs."""

    async def work(connection: Connection) -> None:
        await close_abandoned(connection, LOCATION, host_now())

    await _retrying(database, work)


async def _retrying(database: Database, work: Callable[[Connection], Awaitable[None]]) -> None:
    """Retry ``work`` while the database is unavailable; after ``DATABASE_WITHIN_S`` report that and continue."""
    faults: list[Exception] = []
    try:
        async for attempt in reconnecting(
            database, faults.append, longest_pause_s=1.0, give_up_after_s=DATABASE_WITHIN_S
        ):
            with attempt:
                await work(await attempt.connect())
    except DATABASE_FAULTS as error:
        complain(
            f"archstats-sensor: cannot close the sessions: {describe_error(error)}. The next simulated range closes them."
        )
