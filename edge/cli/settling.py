"""See to it that shots are computed again: by ``archstats-shots`` where it runs, else here and now."""

from __future__ import annotations

import asyncio
from uuid import UUID

from edge.common.connection import Connection
from edge.shots.rebuild import give_back, rebuild, rebuilds_asked, take_over

SETTLED_WITHIN_S = 10.0
LOOK_EVERY_S = 0.05


async def settle(connection: Connection, session_id: UUID) -> bool:
    """Return when everything that was asked of a session is done; False when that took too long.

    The lock of the active assembler decides who does it, so two never write the same rows.
    """
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while requests := (await rebuilds_asked(connection)).get(session_id):
                if await take_over(connection):
                    try:
                        await rebuild(connection, session_id, requests)
                    finally:
                        await give_back(connection)
                else:
                    await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        return False
    return True
