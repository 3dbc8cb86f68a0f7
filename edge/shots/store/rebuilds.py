"""Shots computed again from the readings because somebody asked: a correction, a late arrow, a technician."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.shots.session import Outcome, SessionAssembler

LOCK = 0x53686F74
"""Key of the advisory lock of the one assembler that is active (``Shot`` in ASCII)."""


async def rebuilds_asked(connection: Connection) -> dict[UUID, list[int]]:
    """The sessions that are to be computed again, each with the requests that this answers."""
    asked: dict[UUID, list[int]] = defaultdict(list)
    for row in await connection.fetch("select id, session_id from rebuilds where done_at is null order by id"):
        asked[row["session_id"]].append(row["id"])
    return asked


async def answer_rebuilds(connection: Connection, requests: Sequence[int], outcome: Outcome) -> None:
    """Say what came of requests, in the transaction that wrote the shots."""
    await connection.execute(
        "update rebuilds set done_at = clock_timestamp(), shots = $2, revised = $3 where id = any($1)",
        list(requests),
        outcome.shots,
        outcome.revised,
    )


async def ask_again(connection: Connection, session_id: UUID) -> None:
    """Note that a session is still to be computed, where nobody did: whoever starts next knows it from nothing else."""
    await connection.execute(
        """
        insert into rebuilds (session_id, who, reason)
        select id, 'archstats-shots', 'the tables refused its shots' from sessions
        where id = $1 and not exists (select from rebuilds where session_id = $1 and done_at is null)
        """,
        session_id,
    )


async def take_over(connection: Connection) -> bool:
    """Become the active assembler of this database if there is none; held until :func:`give_back` or the connection's end."""
    return bool(await connection.fetchval("select pg_try_advisory_lock($1)", LOCK))


async def give_back(connection: Connection) -> None:
    """Let another assembler become active."""
    await connection.execute("select pg_advisory_unlock($1)", LOCK)


async def rebuild(connection: Connection, session_id: UUID, requests: Sequence[int]) -> Outcome:
    """Compute one session from everything that is stored of it. Only while active: two would write the same rows."""
    async with connection.transaction():
        outcome = await SessionAssembler(session_id).update(connection)
        await answer_rebuilds(connection, requests, outcome)
    return outcome
