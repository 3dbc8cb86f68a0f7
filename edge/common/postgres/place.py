"""Checks before a migration: the tables can be in the schema ``public``, and only a migration holds the migrations' lock."""

from __future__ import annotations

from typing import Final

from edge.common.config.errors import ConfigError
from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import quoted

LOCK: Final = 0x41726368
"""Key of the advisory lock under which migrations run (``Arch`` in ASCII)."""

_PLACE: Final = """
select current_user::text as "user", d.datname::text as database, pg_get_userbyid(d.datdba)::text as owner,
    to_regnamespace('public') is not null as has_public,
    to_regclass('public.schema_migrations') is not null as is_migrated,
    coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'create'), false) as may_create,
    (select n.nspname::text from pg_class c join pg_class i on i.relnamespace = c.relnamespace and i.relname = 'installation'
        join pg_namespace n on n.oid = c.relnamespace where c.relname = 'schema_migrations' and n.nspname <> 'public' limit 1)
        as elsewhere
from pg_database d where d.datname = current_database()
"""
_LOCK_HOLDER: Final = """
select l.pid, a.usename::text as "user", a.application_name as application
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and (l.classid, l.objid) = (0, $1::bigint::oid)
    and l.database = (select oid from pg_database where datname = current_database())
    and not has_schema_privilege(a.usesysid, 'public', 'create')
limit 1
"""


async def require_place(connection: Connection) -> None:
    """Raise ConfigError when the tables cannot be in the schema ``public``, or those of an earlier version are elsewhere."""
    place = await connection.fetchrow(_PLACE)
    if place is None:
        raise AssertionError("the current database has a row in pg_database")
    if not place["has_public"]:
        raise ConfigError(
            f"database {place['database']!r} has no schema public, where all tables of Arch-Stats are",
            hint=f"Create it as the database's owner {place['owner']!r}: `create schema public`.",
        )
    if place["is_migrated"]:
        return
    if place["elsewhere"] is not None:
        raise ConfigError(
            f"an earlier version put its tables into schema {place['elsewhere']!r}, where no program can use them; they belong "
            "into schema public",
            hint=f"Remove them with `drop schema {quoted(place['elsewhere'])} cascade` if it holds nothing else, then run "
            "`archstats-sensor db migrate`.",
        )
    if not place["may_create"]:
        raise ConfigError(
            f"user {place['user']!r} may not create tables in schema public of database {place['database']!r}",
            hint=f"Log in as the database's owner {place['owner']!r} (POSTGRES_USER) and run `archstats-sensor db migrate`, or "
            f"create a database that {place['user']!r} owns.",
        )


async def require_free_lock(connection: Connection) -> None:
    """Raise ConfigError when a session that cannot migrate holds the migrations' lock: waiting for it would be in vain."""
    holder = await connection.fetchrow(_LOCK_HOLDER, LOCK)
    if holder is not None:
        raise ConfigError(
            f"process {holder['pid']} of user {holder['user']!r} ({holder['application'] or 'unnamed'}) holds the lock of the "
            "migrations and is none",
            hint=f"End it: `sudo -u postgres psql -c 'select pg_terminate_backend({holder['pid']})'`.",
        )
