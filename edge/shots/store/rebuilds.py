"""Requests to recompute a session, entered after a correction or by a technician, and the lock of the active assembler."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from edge.common.postgres.connection import Connection

LOCK = 0x53686F74
"""Key of the advisory lock that the active assembler holds (``Shot`` in ASCII)."""


@dataclass(frozen=True, slots=True)
class AssemblyResult:
    """The outcome of one computation of a session."""

    shots: int = 0
    """Number of the session's shots."""
    revised: int = 0
    """Number of shots that are new or changed."""
    wrote: bool = False
    """Whether anything of the session was written."""


async def pending_rebuilds(connection: Connection) -> dict[UUID, list[int]]:
    """The sessions to recompute, each with the ids of its requests."""
    pending: dict[UUID, list[int]] = defaultdict(list)
    for row in await connection.fetch("select id, session_id from rebuilds where done_at is null order by id"):
        pending[row["session_id"]].append(row["id"])
    return pending


async def complete_rebuilds(connection: Connection, requests: Sequence[int], result: AssemblyResult) -> None:
    """Record the result of requests, in the transaction that wrote the shots."""
    await connection.execute(
        "update rebuilds set done_at = clock_timestamp(), shots = $2, revised = $3 where id = any($1)",
        list(requests),
        result.shots,
        result.revised,
    )


async def request_rebuild(connection: Connection, session_id: UUID) -> None:
    """Enter a request for a session whose shots the tables refused, unless one is pending.

    After a restart the request is the only record that the session is not up to date.
    """
    await connection.execute(
        """
        insert into rebuilds (session_id, who, reason)
        select id, 'archstats-shots', 'the tables refused its shots' from sessions
        where id = $1 and not exists (select from rebuilds where session_id = $1 and done_at is null)
        """,
        session_id,
    )


async def take_over(connection: Connection) -> bool:
    """Become the database's active assembler if there is none.

    The lock is held until :func:`release_lock` or the end of the connection.
    """
    return bool(await connection.fetchval("select pg_try_advisory_lock($1)", LOCK))


async def release_lock(connection: Connection) -> None:
    """Let another assembler become active."""
    await connection.execute("select pg_advisory_unlock($1)", LOCK)
