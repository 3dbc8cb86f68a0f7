"""Names and facts that hub and centre share."""

from __future__ import annotations

from dataclasses import dataclass

from edge.common.postgres.connection import Connection
from edge.common.postgres.migrate import schema_state

PUBLICATIONS = "archstats_hub, archstats_hub_log"
"""Publications of every hub, see publish_hub() in ``edge/schema/replication.sql``."""
REPLICATION_ROLE = "archstats_replication"
"""Role of the centre's login at a hub."""
LOCK_TIMEOUT = "set local lock_timeout = '10s'"
"""Limit of the wait for tables that the services use."""


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


def slot_name(hub_id: int) -> str:
    """Return the name of a hub's subscription at the centre, and of its replication slot on the hub."""
    return f"archstats_hub_{hub_id}"
