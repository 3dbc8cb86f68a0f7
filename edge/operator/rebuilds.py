"""Request that a session's shots are computed again, and wait until they are.

``archstats-shots`` does it where it runs; otherwise the waiting command does it itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import Role
from edge.shots.session import rebuild
from edge.shots.store.rebuilds import pending_rebuilds
from edge.shots.store.shares import has_assembler, release_share, share_of, take_share

DECIDED_WITHIN_S = 10.0
"""Longest wait for an assembler that is busy."""
POLL_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """The outcome of one request; the counts are None until it is done."""

    session_id: UUID
    done: bool
    shots: int | None
    """Shots of the session."""
    revised: int | None
    """Shots that are new or changed."""


async def request_rebuild(connection: Connection, session_id: UUID, who: str) -> int:
    """Request that a session's shots are computed again; returns the number of the request."""
    number: int = await connection.fetchval(
        "insert into rebuilds (session_id, who, reason) values ($1, $2, 'requested') returning id", session_id, who
    )
    return number


async def await_rebuild(connection: Connection, session_id: UUID) -> bool:
    """Wait until every request of a session is done; False when that took longer than 10 s.

    The lock of the lane's share decides who computes, so that two never write the same rows. Raises CommandError when no
    assembler is active and this user may not do its work; the requests stay recorded.
    """
    share = share_of(await connection.fetchval("select lane from sessions where id = $1", session_id) or 0)
    try:
        async with asyncio.timeout(DECIDED_WITHIN_S):
            while (await pending_rebuilds(connection)).get(session_id):
                if not await _compute_if_free(connection, session_id, share):
                    await asyncio.sleep(POLL_INTERVAL_S)
    except TimeoutError:
        return False
    return True


async def _compute_if_free(connection: Connection, session_id: UUID, share: int) -> bool:
    """Do the pending requests unless an assembler holds the share; returns whether it was free."""
    async with _as_assembler(connection) as allowed:
        if not allowed or not await take_share(connection, share):
            return False
        try:
            if requests := (await pending_rebuilds(connection)).get(session_id):
                await rebuild(connection, session_id, requests)
        finally:
            await release_share(connection, share)
    return True


async def rebuild_session(connection: Connection, session_id: UUID, who: str) -> RebuildResult:
    """Request a rebuild and wait for it. Raises CommandError like :func:`await_rebuild`."""
    number = await request_rebuild(connection, session_id, who)
    done = await await_rebuild(connection, session_id)
    row = await connection.fetchrow("select shots, revised from rebuilds where id = $1", number)
    shots, revised = (row["shots"], row["revised"]) if row else (None, None)
    return RebuildResult(session_id, done, shots, revised)


@asynccontextmanager
async def _as_assembler(connection: Connection) -> AsyncIterator[bool]:
    """Lend the connection the assembler's role: the operator's may neither write shots nor take the lock of a share.

    Yields False when this user may not take the role and an assembler runs. Raises CommandError without one.
    """
    try:
        await connection.execute(f"set role {Role.SHOTS}")
    except asyncpg.InsufficientPrivilegeError as fault:
        if not await has_assembler(connection):
            raise CommandError(
                f"the request is recorded, but archstats-shots does not run and this user may not do its work ({fault})",
                hint="Start archstats-shots: it computes the shots at once.",
            ) from fault
        yield False
        return
    try:
        yield True
    finally:
        await connection.execute("reset role")
