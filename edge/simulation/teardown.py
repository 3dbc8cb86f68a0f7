"""How the sessions of a simulated range end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from uuid import UUID

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from drivers.clock.host import host_boot_id, host_now
from drivers.clock.instant import Instant
from edge.common.console import complain
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import Database, describe_error
from edge.operator.sessions import close_abandoned, is_open, request_close
from edge.simulation.setup import LOCATION
from simulators.hosttime import HostTime

CLOSED_WITHIN_S = 30.0
"""What a device still owes comes within seconds, or there is something broken that ``doctor`` tells of."""
DATABASE_WITHIN_S = 10.0
"""For a database that is away just then."""
LOOK_EVERY_S = 0.05
TOLD_WITHIN_S = 1.0
"""A person waits for the range to stop."""


async def close_in_order(
    database: Database, sessions: Mapping[UUID, int], settled: Instant, stop: asyncio.Event
) -> None:
    """Close each lane's session as of ``settled`` and wait until the assembler has: then no device owes anything.

    A verdict alone is not enough: while a shot has one, its engage, or the nocking that tells of a let-down, may still
    be on a bad line.
    """

    async def work(connection: Connection) -> None:
        for lane in sessions.values():
            await request_close(connection, lane, settled)
        # Polled, for a listener would be one more connection.
        while any([await is_open(connection, session) for session in sessions]) and not stop.is_set():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)

    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSED_WITHIN_S):
            await _patiently(database, work)


async def told_until(database: Database, sessions: Mapping[UUID, int], host: HostTime) -> int | None:
    """Up to when every device of the sessions has told all, in microseconds since the epoch; None where nobody can say.

    That is so while the database is away, or a device has told nothing since PostgreSQL crashed.
    """
    try:
        async with asyncio.timeout(TOLD_WITHIN_S):
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
    told = [row["mono_ns"] for row in rows]
    return None if not told or None in told else host.utc_us + (min(told) - host.mono_ns) // 1000


async def close_what_is_open(database: Database) -> None:
    """At once: nobody is there any more to close it in order."""

    async def work(connection: Connection) -> None:
        await close_abandoned(connection, LOCATION, host_now())

    await _patiently(database, work)


async def _patiently(database: Database, work: Callable[[Connection], Awaitable[None]]) -> None:
    """Do it again until a database that is away has come back, or too long passed; then say so and go on."""
    try:
        async for attempt in AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=stop_after_delay(DATABASE_WITHIN_S),
            retry=retry_if_exception_type(DATABASE_FAULTS),
            reraise=True,
        ):
            with attempt:
                connection = await database.connect()
                try:
                    await work(connection)
                finally:
                    connection.terminate()
    except DATABASE_FAULTS as fault:
        complain(f"archstats-sensor: the sessions stay open until the next range ({describe_error(fault)})")
