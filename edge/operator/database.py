"""Create, describe and prune the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import asyncpg

from drivers.clock.host import host_boot_id
from edge.common.config.errors import ConfigError
from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.boots import CLOCK_HINT, BootRecord, boot_record
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.postgres.database import describe_error, open_database
from edge.common.postgres.effective import describe_location
from edge.common.postgres.epoch import heal_foreign_xids
from edge.common.postgres.feed import prune
from edge.common.postgres.migrate import SchemaState, schema_state
from edge.common.postgres.roles import first_line, quoted
from edge.common.postgres.server_functions import open_server_functions
from edge.common.postgres.session_settings import OBSERVED, READ_SETTINGS, durability_warnings, lost_settings
from edge.common.postgres.unreachable import connect_for_command
from edge.common.vocabulary import BootClock

MAINTENANCE_DATABASE = "postgres"
"""Database that every server has, to connect to while another one is created."""
COUNTED_TABLES = ("devices", "sessions", "readings", "shots", "events")


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The place, version and contents of a database."""

    where: str
    server: str
    database: str
    size_bytes: int
    schema: str
    """State of the schema, in words."""
    channel: str | None
    warnings: Sequence[str]
    """Dangers for what is stored, and rights that are too wide, each with its remedy."""
    clock: str
    """State of this host's wall clock, in words."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Row counts by table; empty unless the schema is this build's."""


async def database_status(connection: Connection, settings: DatabaseSettings) -> DatabaseStatus:
    """Describe the database of a connection under the login's own rights."""
    state = await schema_state(connection)
    warnings = await _warnings(connection, state, settings.user)
    counted = COUNTED_TABLES if state.current else ()
    return DatabaseStatus(
        where=await describe_location(connection, settings),
        server=str(await connection.fetchval("show server_version")),
        database=str(await connection.fetchval("select current_database()")),
        size_bytes=await connection.fetchval("select pg_database_size(current_database())"),
        schema=describe_schema(state),
        channel=state.channel,
        warnings=warnings,
        clock=describe_clock(await boot_record(connection, host_boot_id()) if state.current else None),
        rows={
            table: await connection.fetchval(f"select count(*) from {table}")  # noqa: S608 - fixed names
            for table in counted
        },
    )


async def _warnings(connection: Connection, state: SchemaState, user: str) -> list[str]:
    """Begin a new epoch if the rows came from another server, and return what else is wrong."""
    rows = await connection.fetch(READ_SETTINGS, list(OBSERVED))
    effective = {row["name"]: row["value"] for row in rows}
    warnings = durability_warnings(effective)
    if lost := lost_settings(effective, None, user):
        warnings.append(
            f"The connection lost the settings {', '.join(lost)}: connect to PostgreSQL itself, not to a pooler before it."
        )
    if state.current:
        try:
            if await heal_foreign_xids(connection):
                warnings.append(
                    "The rows came from another server. They were renewed, and a new epoch of the feed begins."
                )
        except (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError) as fault:
            warnings.append(
                f"The rows came from another server, and this user cannot renew them ({first_line(fault)})."
            )
        if count := await open_server_functions(connection):
            warnings.append(
                f"Every user of the database may execute {count} functions of the server that no service uses, such as those "
                "that lock lanes or store large objects. Run `archstats-sensor db roles | sudo -u postgres psql`."
            )
    return warnings


def describe_schema(state: SchemaState) -> str:
    """The state of the schema, in words."""
    if state.unknown or state.changed:
        return "another build's"
    if state.missing:
        return f"{len(state.missing)} migrations behind; run `archstats-sensor db migrate`"
    numbered = [name for name in state.applied if name[0].isdigit()]
    return f"up to date ({numbered[-1] if numbered else 'empty'})"


def describe_clock(boot: BootRecord | None) -> str:
    """The state of this host's wall clock, in words."""
    if boot is None:
        return "not recorded in this boot"
    if boot.clock is BootClock.CORRECTED:
        return (
            "was behind when this boot began and has been set; the sessions of this boot are dated by the latest clock"
        )
    return "ok" if boot.warning is None else f"{boot.warning}. {CLOCK_HINT}"


async def prune_events(connection: Connection, days: float) -> int:
    """Delete events older than ``days`` from the feed; returns their number."""
    return await prune(connection, timedelta(days=days))


async def create_database(service: ServiceSettings) -> bool:
    """Create the database of the settings on its server unless it exists; returns whether it was created.

    The embedded server creates its own. Raises ConfigError when the server refuses, DatabaseUnavailable when it is away.
    """
    if service.database.embedded:
        return False
    name = service.database.db
    beside = replace(service, database=replace(service.database, db=MAINTENANCE_DATABASE))
    async with open_database(beside, application="archstats-sensor db init") as database:
        try:
            connection = await connect_for_command(database)
            try:
                if await connection.fetchval("select exists (select from pg_database where datname = $1)", name):
                    return False
                await connection.execute("create database " + quoted(name))
            finally:
                connection.terminate()
        except asyncpg.DuplicateDatabaseError:
            return False
        except DATABASE_FAULTS as fault:
            raise ConfigError(
                f"database {name!r} cannot be created ({describe_error(fault)})",
                hint="Let the server's administrator run: "
                f"`create database {quoted(name)} owner {quoted(service.database.user)}`.",
            ) from fault
    return True
