"""Notices rows that came from another server with its transaction ids, and begins a new epoch of the database.

A dump of one server that is loaded into a younger one brings ids that this server has not given out yet: the feed and the
assembler would wait for them. ``edge/schema/repeatable/epoch.sql`` has the functions; any service may call them, also several at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from edge.common.postgres.connection import Connection
from edge.common.process.progress import Tick, no_tick

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 600.0
"""Longest renewal: it rewrites the readings of years."""
TICK_S: Final = 1.0


async def heal_foreign_xids(connection: Connection, tick: Tick = no_tick) -> bool:
    """Begin a new epoch if rows bear ids of another server; returns whether it did, and logs it.

    A loaded database has millions of rows to renew: ``tick`` is called every second meanwhile. Raises LockNotAvailableError
    while another process does the same for more than five seconds.
    """
    if not await connection.fetchval("select has_foreign_xids()"):
        return False
    await connection.execute(f"set statement_timeout = {TIMEOUT_S * 1000:.0f}")
    healing = asyncio.ensure_future(connection.fetchval("select heal_foreign_xids()", timeout=TIMEOUT_S))
    try:
        while not (await asyncio.wait({healing}, timeout=TICK_S))[0]:
            tick()
        healed: bool = healing.result()
    finally:
        healing.cancel()
    await connection.execute("reset statement_timeout")
    if healed:
        log.warning(
            "the database's rows came from another server, with transaction ids that this one has not reached: a new epoch "
            "begins, as after a restore. Clients load everything again."
        )
    return healed
