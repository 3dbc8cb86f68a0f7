"""Migrates a database to this build's schema, and compares the two."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import asyncpg

from edge.common.config.errors import ConfigError
from edge.common.postgres.connection import Connection
from edge.common.postgres.place import LOCK, require_free_lock, require_place
from edge.common.postgres.roles import create_roles, first_line, missing_roles, renew_limits
from edge.common.postgres.server_functions import close_server_functions

FILES: Final = Path(__file__).parents[2] / "schema"
"""Folder of the migrations."""
LATER: Final = FILES / "from_0020"
"""Folder of those from 0020 on: a folder has at most 20 files."""
REPEATABLE: Final = FILES / "repeatable"
"""Folder of those that are applied again after every change."""
TIMEOUT_S = 600.0
"""Longest migration: it may rewrite a large table, or wait for another process that does."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``edge/schema``."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the text, which reveals a later change."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def repeatable(self) -> bool:
        """Whether it is a file without a number (such as the grants): applied after all others, and again after every change."""
        return not self.name[0].isdigit()


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The migrations applied to a database, compared with those of this build."""

    applied: tuple[str, ...]
    missing: tuple[str, ...]
    """Migrations of this build that are not applied yet."""
    unknown: tuple[str, ...]
    """Migrations of a newer build."""
    changed: tuple[str, ...]
    """Migrations applied with a text that differs from this build's."""
    channel: str | None
    """Channel stored by :func:`migrate`; None before the first migration."""
    is_centre: bool = False
    """Whether the database is the centre of several hubs, where no sensor and no assembler works."""

    @property
    def current(self) -> bool:
        """Whether the schema is exactly this build's."""
        return not (self.missing or self.unknown or self.changed)

    def require_known(self) -> None:
        """Raise ConfigError when this build can never migrate the schema to its own."""
        if self.unknown:
            raise ConfigError(
                f"the database's schema is newer than this build ({', '.join(self.unknown)})",
                hint="Upgrade Arch-Stats on this machine to the version that migrated the database.",
            )
        if self.changed:
            raise ConfigError(
                f"the database was migrated with a different text of {', '.join(self.changed)}",
                hint="Run the version that migrated it. If you edited that file, restore it and put the change into a new file.",
            )

    def require_hub(self) -> None:
        """Raise ConfigError when the database is the centre of several hubs."""
        if self.is_centre:
            raise ConfigError(
                "the database is the centre of several hubs, where no device is read and no shot is assembled",
                hint="Stop and disable this service here; it works on the hubs.",
            )

    def require_channel(self, channel: str) -> None:
        """Raise ConfigError naming both channels when the database notifies on another one than ``channel``."""
        if self.channel is not None and self.channel != channel:
            raise ConfigError(
                f"ARCH_STATS_WS_CHANNEL is {channel!r}, but the database was migrated for {self.channel!r}",
                hint=f"Set ARCH_STATS_WS_CHANNEL={self.channel} for every process on this database.",
            )

    def require_current(self) -> None:
        """Raise ConfigError unless the schema is exactly this build's."""
        self.require_known()
        if self.missing:
            raise ConfigError(
                f"the database's schema is older than this build ({', '.join(self.missing)} missing)",
                hint="Run `archstats-sensor db migrate`.",
            )


@cache
def known_migrations() -> tuple[Migration, ...]:
    """All migrations of this build, in their order: the numbered ones, then the repeatable ones by name.

    Raises OSError where they cannot be read, for want of a descriptor. A glob would find none instead, and the schema of the
    database would seem to be a newer build's.
    """
    files = sorted(
        (file for folder in (FILES, LATER, REPEATABLE) for file in folder.iterdir() if file.suffix == ".sql"), key=_name
    )
    return tuple(Migration(file.name, file.read_text(encoding="utf-8")) for file in files)


def _name(file: Path) -> str:
    return file.name


async def schema_state(connection: Connection) -> SchemaState:
    """Compare the database's schema with this build's."""
    applied: dict[str, str] = {}
    if await connection.fetchval("select to_regclass('public.schema_migrations') is not null"):
        rows = await connection.fetch("select name, sha256 from public.schema_migrations order by name")
        applied = {row["name"]: row["sha256"] for row in rows}
    channel: str | None = None
    is_centre = False
    if await connection.fetchval("select to_regclass('public.installation') is not null"):
        # as JSON, because an older schema lacks the second column
        row = await connection.fetchrow(
            "select channel, to_jsonb(i) ->> 'is_centre' as is_centre from public.installation i"
        )
        channel, is_centre = (row["channel"], row["is_centre"] == "true") if row else (None, False)
    known = {migration.name: migration for migration in known_migrations()}
    renewed = {m.name for m in known.values() if m.repeatable and applied.get(m.name) != m.sha256}
    if await missing_roles(connection):  # the database was copied from another server
        renewed |= {m.name for m in known.values() if m.repeatable}
    return SchemaState(
        applied=tuple(applied),
        missing=tuple(name for name in known if name not in applied or name in renewed),
        unknown=tuple(name for name in applied if name not in known),
        changed=tuple(
            name
            for name, sha256 in applied.items()
            if name in known and not known[name].repeatable and known[name].sha256 != sha256
        ),
        channel=channel,
        is_centre=is_centre,
    )


async def migrate(connection: Connection, channel: str) -> list[str]:
    """Apply the missing migrations, each in its own transaction, and store the channel. Returns the applied names.

    Several processes may call it at the same time. Raises ConfigError when the schema is another build's, the database was
    migrated for another channel, or its tables cannot be in the schema ``public``.
    """
    await require_place(connection)
    await require_free_lock(connection)
    limit_ms = round(TIMEOUT_S * 1000)
    await connection.execute(f"set statement_timeout = {limit_ms}; set lock_timeout = {limit_ms}")
    await connection.execute("select pg_advisory_lock($1)", LOCK, timeout=TIMEOUT_S)
    await connection.execute("reset lock_timeout")  # a longer wait for a table would stop the services behind it
    try:
        await connection.execute(
            "create table if not exists public.schema_migrations "
            "(name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        state = await schema_state(connection)
        state.require_known()
        state.require_channel(channel)
        applied: list[str] = []
        if state.missing:
            await create_roles(connection)
            await renew_limits(connection)
        copied = await _allows_temporary_tables(connection)
        for migration in known_migrations():
            if migration.name in state.missing or (migration.repeatable and (applied or copied)):
                await _apply(connection, migration)
                applied.append(migration.name)
        await close_server_functions(connection)
        await connection.execute("insert into installation (channel) values ($1) on conflict do nothing", channel)
        return applied
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", LOCK)
            await connection.execute("reset statement_timeout")


async def _allows_temporary_tables(connection: Connection) -> bool:
    """Whether every user may create temporary tables, as in a copy by ``createdb -T``, and this user may revoke that right.

    No copy contains the rights on the database itself.
    """
    found: bool = await connection.fetchval(
        """
        select has_database_privilege('public', oid, 'temporary') and pg_has_role(datdba, 'usage')
        from pg_database where datname = current_database()
        """
    )
    return found


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        await _apply_whole(connection, migration)
    except _TAKEN as fault:
        raise ConfigError(
            f"the database holds something of another program ({first_line(fault)})",
            hint="Give Arch-Stats a database of its own (POSTGRES_DB), for example with `archstats-sensor db init`.",
        ) from fault


_TAKEN = (asyncpg.DuplicateTableError, asyncpg.DuplicateFunctionError, asyncpg.DuplicateObjectError)


async def _apply_whole(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql, timeout=TIMEOUT_S)
        await connection.execute(
            """
            insert into schema_migrations (name, sha256) values ($1, $2)
            on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
            """,
            migration.name,
            migration.sha256,
        )
