"""The hub's side: publish the tables under the hub's number, or end that."""

from __future__ import annotations

import asyncpg

from edge.common.config.errors import CommandError, ConfigError
from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import first_line
from edge.operator.replication.names import REPLICATION_ROLE, change_tables, place_of

ROLE_STATEMENTS = (
    f"create role {REPLICATION_ROLE} login replication",
    f"grant pg_read_all_data to {REPLICATION_ROLE}",
)
"""Statements for the role that the centre logs in as: it reads everything and writes nothing."""

_SLOTS = """
select slot_name::text as name, active from pg_replication_slots
where database = current_database() and slot_type = 'logical' and slot_name ~ '^(archstats_hub|pg_[0-9]+_sync)_[0-9]+'
order by slot_name
"""
"""Slots of the centre. It keeps one more for each table of an unfinished first copy, which ``drop subscription`` leaves behind
when the hub is away, and each holds the WAL."""


async def publish(connection: Connection, hub_id: int) -> list[str]:
    """Publish this database as hub ``hub_id`` (1 to 999), the first time or again; returns warnings, each a sentence.

    Services may keep running; they wait for a moment. Raises ConfigError when the server does not allow logical replication,
    CommandError when the database is a centre or another hub, or its tables are in use for too long.
    """
    place = await place_of(connection)
    if place.is_centre:
        raise CommandError(
            "this database is the centre, which replicates to no other database", hint="Run this command on the hub."
        )
    if place.hub_id not in (0, hub_id):
        raise CommandError(
            f"this database is hub {place.hub_id} already, and its rows at the centre bear that number",
            hint=f"Keep `--hub {place.hub_id}`, or end the replication first with `archstats-sensor db replicate --remove`.",
        )
    await _require_logical(connection)
    await _create_role(connection)
    numbering = [] if place.hub_id else [f"select set_hub_number({hub_id:d})"]
    await change_tables(connection, *numbering, "select publish_hub()")
    return await _warnings(connection)


async def unpublish(connection: Connection) -> list[str]:
    """End this hub's replication and drop its slots; returns the names of dropped slots.

    Raises CommandError while the centre is connected, or when the database is no hub.
    """
    if (await place_of(connection)).hub_id == 0:
        raise CommandError(
            "this database replicates to no centre, so there is nothing to remove",
            hint="See `archstats-sensor db replicate --status`.",
        )
    rows = await connection.fetch(_SLOTS)
    if any(row["active"] for row in rows):
        raise CommandError(
            "the centre is connected, so nothing was removed",
            hint="Remove this hub at the centre first: `archstats-sensor db replicate --remove --hub N`.",
        )
    for row in rows:
        await connection.execute("select pg_drop_replication_slot($1)", row["name"])
    await change_tables(connection, "select unpublish_hub()")
    return [row["name"] for row in rows]


async def _require_logical(connection: Connection) -> None:
    level = await connection.fetchval("show wal_level")
    if level != "logical":
        raise ConfigError(
            f"the server's wal_level is {level}, and replication needs logical",
            hint="Run `sudo -u postgres psql -c \"alter system set wal_level = 'logical'\"`, restart the server with "
            "`sudo systemctl restart postgresql`, then run this command again.",
        )


async def _create_role(connection: Connection) -> None:
    if await connection.fetchval("select exists (select from pg_roles where rolname = $1)", REPLICATION_ROLE):
        return
    try:
        async with connection.transaction():
            for statement in ROLE_STATEMENTS:
                await connection.execute(statement)
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return  # created meanwhile for another database of the server
    except asyncpg.InsufficientPrivilegeError as fault:
        statements = "; ".join(ROLE_STATEMENTS)
        raise ConfigError(
            f"role {REPLICATION_ROLE} is missing, and this user may not create it ({first_line(fault)})",
            hint=f'Ask the server\'s administrator to run `sudo -u postgres psql -c "{statements}"`.',
        ) from fault


async def _warnings(connection: Connection) -> list[str]:
    warnings = []
    if await connection.fetchval("show max_slot_wal_keep_size") == "-1":
        warnings.append(
            "While the centre is away, the server keeps its WAL without a limit. Limit it to a part of the free disk: "
            '`sudo -u postgres psql -c "alter system set max_slot_wal_keep_size = \'4GB\'" -c "select pg_reload_conf()"`.'
        )
    if await connection.fetchval("show listen_addresses") in ("", "localhost"):
        warnings.append(
            "The server listens on this machine only. Set listen_addresses and pg_hba.conf as docs/scaling.md shows."
        )
    return warnings
