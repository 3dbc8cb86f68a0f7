"""Back up the whole database into one file, and restore it from such a file.

Both need the rights of the database's owner.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.common.config.errors import CommandError
from edge.common.config.settings import DatabaseSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.migrate import REPEATABLE, known_migrations, migrate, schema_state
from edge.common.postgres.roles import create_roles
from edge.operator.postgres_tools import PostgresClient, ProgramFailed, client_for, connection_variables

_EMPTY_SCHEMA = """
set lock_timeout = '10s';
drop schema if exists archstats_push cascade;
drop schema public cascade;
create schema public authorization pg_database_owner;
grant usage on schema public to public;
"""

_REFUSE_NEWER = """
do $$
begin
    if exists (
        select from public.schema_migrations
        where name ~ '^[0-9]' and (name, sha256) not in (values {known})
    ) then
        raise exception 'the backup was made by a newer version of Arch-Stats: upgrade this machine first';
    end if;
end $$;
"""
"""Refuses a backup that this version cannot read, before anything is dropped."""

_NEW_EPOCH = """
set search_path = public, pg_temp;
set check_function_bodies = off;  -- an older backup lacks tables
{functions}
select renew_epoch();
-- The migration that follows grants all rights again: this server may have other roles.
delete from schema_migrations where name !~ '^[0-9]';
"""
"""Transaction ids of the old server mean nothing here. The functions are this build's: the backup's may be older."""


_DOUBT_TAGS = """
do $$
begin
    if exists (select from pg_attribute where attrelid = 'public.arrows'::regclass and attname = 'is_tag_unknown') then
        if (select is_centre from public.installation) is not true then
            update public.arrows set is_tag_unknown = true
                where not is_programmed and not is_write_unfinished and not is_tag_unknown;
        end if;
    end if;
end $$;
"""
"""Arrows that were not programmed at the time of the backup may be by now: their UUIDs must not get into second tags. The migration
of an older backup does the same."""


@dataclass(frozen=True, slots=True)
class RestoredDatabase:
    """The contents of a restored database."""

    sessions: int
    shots: int
    doubtful_arrows: int
    """Active arrows that the backup has as not programmed, and whose UUIDs may be in tags by now."""
    applied: Sequence[str]
    """Names of the migrations that brought it to this build's schema."""


async def back_up(connection: Connection, settings: DatabaseSettings, file: Path) -> int:
    """Write the database into ``file``. Returns its size in bytes.

    Raises CommandError when the database has no Arch-Stats schema or the file cannot be written, ConfigError when PostgreSQL's
    programs are missing.
    """
    await refuse_empty(connection)
    return await asyncio.to_thread(write_backup, _client(connection, settings), file)


async def restore(connection: Connection, settings: DatabaseSettings, file: Path, *, replace: bool) -> RestoredDatabase:
    """Replace the database with the contents of ``file``, all or nothing, and bring it to this build's schema.

    Raises CommandError when the database is in use, or holds something and ``replace`` is not given, or the file is not a
    backup.
    """
    await refuse_unfit(connection, replace=replace)
    await create_roles(connection)
    await asyncio.to_thread(load_backup, _client(connection, settings), file)
    channel = await connection.fetchval("select channel from installation")
    applied = [name for name in await migrate(connection, channel) if name[0].isdigit()]
    sessions, shots = [
        await connection.fetchval(f"select count(*) from {table}")  # noqa: S608 - fixed names
        for table in ("sessions", "shots")
    ]
    doubtful = await connection.fetchval(
        "select count(*) from arrows where is_active and is_tag_unknown and not is_programmed"
    )
    return RestoredDatabase(sessions, shots, doubtful, applied)


def write_backup(client: PostgresClient, file: Path) -> int:
    """Write the database into ``file``, which appears only when it is complete. Returns its size in bytes.

    Services may run meanwhile: the file holds one instant. Raises CommandError when it cannot be written.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        client.run("pg_dump", "--format=custom", "--no-owner", "--no-unlogged-table-data", f"--file={partial}")
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    except (ProgramFailed, OSError) as fault:
        partial.unlink(missing_ok=True)
        raise CommandError(
            f"the backup into {file} failed ({fault})",
            hint="Check that its folder exists and has room, and that you log in as the database's owner (POSTGRES_USER).",
        ) from fault
    return file.stat().st_size


def load_backup(client: PostgresClient, file: Path) -> None:
    """Replace the database with the contents of ``file``, all or nothing: after a failure it is unchanged.

    Raises CommandError when the file is not a backup or the database refuses it.
    """
    with tempfile.TemporaryDirectory(prefix="archstats-restore-") as folder:
        contents, before, script, after = (
            Path(folder) / name for name in ("contents", "before.sql", "restore.sql", "after.sql")
        )
        before.write_text(_EMPTY_SCHEMA)
        after.write_text(
            _refuse_newer() + _NEW_EPOCH.format(functions=(REPEATABLE / "epoch.sql").read_text("utf-8")) + _DOUBT_TAGS
        )
        try:
            listed = client.run("pg_restore", "--list", file)
            if " TABLE public schema_migrations " not in listed:
                raise CommandError(
                    f"{file} holds no Arch-Stats database; the database is unchanged",
                    hint="Use a file written by `archstats-sensor db backup`.",
                )
            # Rights on the server's own functions: only a superuser may set them, and the migration that follows does.
            contents.write_text("".join(line for line in listed.splitlines(True) if " ACL pg_catalog " not in line))
            client.run(
                "pg_restore", "--no-owner", "--no-publications", "--no-subscriptions", f"--use-list={contents}",
                f"--file={script}", file,
            )  # fmt: skip
            client.run(
                "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
                f"--file={before}", f"--file={script}", f"--file={after}",
            )  # fmt: skip
        except ProgramFailed as fault:
            raise CommandError(
                f"{file} could not be restored ({fault}); the database is unchanged",
                hint="Check that it was written by `archstats-sensor db backup`, and that you log in as the "
                "database's owner (POSTGRES_USER).",
            ) from fault


def _refuse_newer() -> str:
    known = ", ".join(f"('{m.name}', '{m.sha256}')" for m in known_migrations() if not m.repeatable)
    return _REFUSE_NEWER.format(known=known)


async def refuse_empty(connection: Connection) -> None:
    """Raise CommandError when the database has no Arch-Stats schema: it is the wrong one, or empty."""
    if not (await schema_state(connection)).applied:
        raise CommandError(
            "this database holds nothing of Arch-Stats, so no backup was made",
            hint="Name the right one with POSTGRES_DB or --database-dir; `archstats-sensor db status` shows which one is used.",
        )


async def refuse_unfit(connection: Connection, *, replace: bool) -> None:
    """Raise CommandError when the database is in use, or is not empty and ``replace`` is not given."""
    others = await connection.fetch(
        """
        select distinct application_name from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
        order by 1
        """
    )
    if others:
        names = ", ".join(row["application_name"] or "an unnamed program" for row in others)
        raise CommandError(
            f"the database is in use by {names}",
            hint="Stop them first, on a hub with `sudo systemctl stop archstats.target`.",
        )
    if not replace and await connection.fetchval("select exists (select from pg_tables where schemaname = 'public')"):
        raise CommandError(
            "the database is not empty",
            hint="Restore into a new one (POSTGRES_DB or --database-dir), or delete its contents with --replace.",
        )


def _client(connection: Connection, settings: DatabaseSettings) -> PostgresClient:
    return client_for(connection.get_server_version().major, connection_variables(settings))
