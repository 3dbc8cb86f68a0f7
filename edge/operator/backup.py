"""Write the whole database into one file, and make a database of such a file again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.postgres.migrate import known_migrations, schema_state
from edge.operator.postgres_tools import PostgresClient, ProgramFailed

_EMPTY_SCHEMA = """
set lock_timeout = '10s';
drop schema public cascade;
create schema public authorization pg_database_owner;
grant usage on schema public to public;
"""

_OURS = """
do $$
begin
    if exists (
        select from public.schema_migrations
        where name ~ '^[0-9]' and (name, sha256) not in (values {known})
    ) then
        raise exception 'it is of a newer version of Arch-Stats: upgrade this machine first';
    end if;
end $$;
"""
"""What this version cannot read is refused before anything is given up."""

_NEW_LIFE = """
-- Transaction numbers of the old server mean nothing here: everything that is there was there before anything that comes.
do $$
declare place record;
begin
    for place in
        select table_name, column_name from information_schema.columns
        where table_schema = 'public' and data_type = 'xid8'
            and table_name not in ('installation', 'readings', 'assembly_progress')
    loop
        execute format('update public.%I set %I = pg_current_xact_id()', place.table_name, place.column_name);
    end loop;
end $$;
-- What the assembler had read is no news here, however much it is; what it had not is.
update public.readings set xid = case
    when xid < (select before_xid from public.assembly_progress) then '0' else pg_current_xact_id()
end;
update public.assembly_progress set before_xid = pg_current_xact_id();
-- Rights are given anew by the migration that follows: the roles here may be other ones.
delete from public.schema_migrations where name !~ '^[0-9]';
-- Whoever followed the feed is told of a gap, for this is another life of the database.
update public.installation set epoch = substr(replace(gen_random_uuid()::text, '-', ''), 1, 8),
    pruned_xid = '0', pruned_id = 0;
"""


def backup(client: PostgresClient, file: Path) -> int:
    """Write the database into ``file``, which appears only when it is whole. Returns its size in bytes.

    Services may run meanwhile: the file holds one instant. Raises Refused when it cannot be written.
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
            hint="Check that its folder is there and has room; log in as the database's owner (POSTGRES_USER)",
        ) from fault
    return file.stat().st_size


def restore(client: PostgresClient, file: Path) -> None:
    """Make the database what ``file`` holds, all or nothing: when it fails everything is as before.

    Raises Refused when the file is no backup or the database refuses it.
    """
    with tempfile.TemporaryDirectory(prefix="archstats-restore-") as folder:
        before, script, after = (Path(folder) / name for name in ("before.sql", "restore.sql", "after.sql"))
        before.write_text(_EMPTY_SCHEMA)
        after.write_text(_ours() + _NEW_LIFE)
        try:
            if " TABLE public schema_migrations " not in client.run("pg_restore", "--list", file):
                raise CommandError(
                    f"{file} holds no Arch-Stats database; the database is as it was",
                    hint="Take a file that archstats-sensor db backup made of one",
                )
            client.run("pg_restore", "--no-owner", f"--file={script}", file)
            client.run(
                "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
                f"--file={before}", f"--file={script}", f"--file={after}",
            )  # fmt: skip
        except ProgramFailed as fault:
            raise CommandError(
                f"{file} could not be restored ({fault}); the database is as it was",
                hint="Check that it is a file made by: archstats-sensor db backup, and that you log in as the "
                "database's owner (POSTGRES_USER)",
            ) from fault


def _ours() -> str:
    known = ", ".join(f"('{m.name}', '{m.sha256}')" for m in known_migrations() if not m.repeatable)
    return _OURS.format(known=known)


async def refuse_nothing(connection: Connection) -> None:
    """Raise Refused when the database has no schema of ours: what would be backed up is the wrong one, or none."""
    if not (await schema_state(connection)).applied:
        raise CommandError(
            "this database holds nothing of Arch-Stats, so no backup was made",
            hint="Name the right one (POSTGRES_DB or --database-dir); which one is asked says: archstats-sensor db status",
        )


async def refuse_unfit(connection: Connection, *, replace: bool) -> None:
    """Raise Refused when the database is in use, or holds something that nobody said may go."""
    others = await connection.fetch(
        """
        select distinct application_name from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
        order by 1
        """
    )
    if others:
        names = ", ".join(row["application_name"] or "a program without a name" for row in others)
        raise CommandError(
            f"the database is in use by {names}",
            hint="Stop them first, on a hub with: sudo systemctl stop archstats.target",
        )
    if not replace and await connection.fetchval("select exists (select from pg_tables where schemaname = 'public')"):
        raise CommandError(
            "the database is not empty",
            hint="Restore into a new one (POSTGRES_DB or --database-dir), or let go of what it holds with --replace",
        )
