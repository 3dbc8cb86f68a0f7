"""Names and facts that hub and centre share."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.postgres.migrate import schema_state
from edge.common.postgres.roles import first_line

PUBLICATIONS = "archstats_hub, archstats_hub_log"
"""Publications of every hub, see publish_hub() in ``edge/schema/repeatable/replication.sql``."""
REPLICATION_ROLE = "archstats_replication"
"""Role of the centre's login at a hub."""
LOCK_TIMEOUT = "set local lock_timeout = '3s'"
"""Limit of one wait for tables that the services use."""
ATTEMPTS = 5
"""Attempts to change tables in use: a service and this command may each wait for a table that the other has locked."""


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a database in the replication."""

    hub_id: int
    """Number of the hub; 0 for a database that is no hub of a centre."""
    is_centre: bool


async def place_of(connection: Connection) -> Place:
    """Return the part of a database in the replication. Raises ConfigError unless its schema is this build's."""
    (await schema_state(connection)).require_current()
    row = await connection.fetchrow("select hub_id, is_centre from installation")
    return Place(row["hub_id"], row["is_centre"]) if row else Place(0, is_centre=False)


async def change_tables(connection: Connection, *statements: str) -> None:
    """Run statements that lock the tables, all or nothing, while services use them. Raises CommandError after ATTEMPTS."""
    attempts = AsyncRetrying(
        retry=retry_if_exception_type(_LOCKED),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random(0.0, 0.5),
        reraise=True,
    )
    try:
        async for attempt in attempts:
            with attempt:
                async with connection.transaction():
                    await connection.execute(LOCK_TIMEOUT)
                    for statement in statements:
                        await connection.execute(statement)
    except _LOCKED as fault:
        raise CommandError(
            f"the tables are in use, and nothing was changed ({first_line(fault)})",
            hint="Run the command again; if that fails too, stop the services first with `sudo systemctl stop archstats.target`.",
        ) from fault


_LOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


def slot_name(hub_id: int) -> str:
    """Return the name of a hub's subscription at the centre, and of its replication slot on the hub."""
    return f"archstats_hub_{hub_id}"
