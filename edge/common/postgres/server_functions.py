"""Rights on the server's own functions, which PostgreSQL gives to every user of every database.

No program of ours stores large objects or writes into the WAL by itself, and only the assembler and the migrations take
advisory locks. The functions belong to the server's superuser, and the rights on them to one database, in no backup of it.
"""

from __future__ import annotations

from typing import Final

from edge.common.postgres.connection import Connection

_USED: Final = {
    # Locks of the lanes, see edge.shots.store.shares.
    "archstats_shots": (
        "pg_advisory_lock_shared(integer, integer)",
        "pg_try_advisory_lock(integer, integer)",
        "pg_advisory_unlock(integer, integer)",
    ),
    # Lock of the migrations.
    "pg_database_owner": ("pg_advisory_lock(bigint)", "pg_advisory_unlock(bigint)"),
}
"""The functions below that a role uses."""
# Every connection pool calls pg_advisory_unlock_all, which concerns the caller's own locks only.
_UNUSED: Final = r"""
select oid::regprocedure as function from pg_proc
where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege('public', oid, 'execute')
    and (proname ~ '^lo_' or proname in ('lowrite', 'loread', 'pg_logical_emit_message')
        or proname ~ '^pg_(try_)?advisory_' and proname <> 'pg_advisory_unlock_all')
"""
CLOSE_SERVER_FUNCTIONS: Final = f"""do $$
declare
    function regprocedure;
begin
    for function in {_UNUSED.strip()} and pg_has_role(current_user, proowner, 'usage') loop
        execute format('revoke execute on function %s from public', function);
    end loop;
    if exists (select from pg_proc where oid = 'pg_advisory_lock(bigint)'::regprocedure
            and pg_has_role(current_user, proowner, 'usage')) then
{
    chr(10).join(
        f"        grant execute on function {', '.join(functions)} to {role};" for role, functions in _USED.items()
    )
}
    end if;
end $$"""
"""Statement that takes the rights from all users and gives them to the roles that use them, as far as its user may."""


async def open_server_functions(connection: Connection) -> int:
    """Number of the functions that every user of this database may execute although no role of ours uses them."""
    count: int = await connection.fetchval(f"select count(*) from ({_UNUSED}) unused")  # noqa: S608 - fixed text
    return count


async def close_server_functions(connection: Connection) -> None:
    """Take the rights from all users, unless that is done already or this user is no superuser: `db status` reports it then."""
    if await open_server_functions(connection):
        await connection.execute(CLOSE_SERVER_FUNCTIONS)
