"""See to it that shots are computed again: by ``archstats-shots`` where it runs, else here and now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import Role
from edge.shots.session import rebuild
from edge.shots.store.rebuilds import pending_rebuilds, release_lock, take_over

SETTLED_WITHIN_S = 10.0
LOOK_EVERY_S = 0.05


async def settle(connection: Connection, session_id: UUID) -> bool:
    """Return when everything that was asked of a session is done; False when that took too long.

    The lock of the active assembler decides who does it, so two never write the same rows. Raises Refused when nobody
    is active and we may not do it ourselves; what was asked stays asked.
    """
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while requests := (await pending_rebuilds(connection)).get(session_id):
                if await take_over(connection):
                    try:
                        async with _assembler(connection):
                            await rebuild(connection, session_id, requests)
                    finally:
                        await release_lock(connection)
                else:
                    await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def _assembler(connection: Connection) -> AsyncIterator[None]:
    """With the assembler's rights; an operator's commands have none to write shots."""
    try:
        await connection.execute(f"set role {Role.SHOTS}")
    except asyncpg.InsufficientPrivilegeError as fault:
        raise CommandError(
            f"it is noted, but archstats-shots does not run, and this user may not do its work ({fault})",
            hint="Start archstats-shots: it does what was asked first",
        ) from fault
    try:
        yield
    finally:
        await connection.execute("reset role")
