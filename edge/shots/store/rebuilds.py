"""Requests to compute a session again, entered after a correction or by a technician."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from edge.common.postgres.connection import Connection


async def pending_rebuilds(connection: Connection) -> dict[UUID, list[int]]:
    """The sessions to compute again, each with the ids of its requests."""
    pending: dict[UUID, list[int]] = defaultdict(list)
    for row in await connection.fetch("select id, session_id from rebuilds where done_at is null order by id"):
        pending[row["session_id"]].append(row["id"])
    return pending


async def request_rebuild(connection: Connection, session_id: UUID) -> None:
    """Enter a request for a session that cannot be assembled or stored now, unless one is pending.

    After a restart the request is the only record that the session is not up to date.
    """
    await connection.execute(
        """
        insert into rebuilds (session_id, who, reason)
        select id, 'archstats-shots', 'not up to date' from sessions
        where id = $1 and not exists (select from rebuilds where session_id = $1 and done_at is null)
        """,
        session_id,
    )
