"""Statements that PostgreSQL must refuse to a role: those on a table, by its rights on it, and others."""

from __future__ import annotations

from collections.abc import Iterator

GET, ADD, SET, CUT = "select", "insert", "update", "delete"


def granted_columns(privilege: str, rights: set[str]) -> set[str]:
    """The columns of a right such as ``update(kind,lane)``; none without such a right."""
    some = next((right for right in rights if right.startswith(f"{privilege}(")), "")
    return set(some.removeprefix(f"{privilege}(").removesuffix(")").split(","))


def forbidden(table: str, columns: list[str], rights: set[str]) -> Iterator[str]:
    """Statements that must fail for a role with these rights."""
    if GET not in rights:
        yield f"select {columns[0]} from {table} limit 1"
    if ADD not in rights:
        granted = granted_columns(ADD, rights)
        yield from (f"insert into {table} ({column}) values (default)" for column in columns if column not in granted)
    if CUT not in rights:
        yield f"delete from {table} where false"
    if SET not in rights:
        granted = granted_columns(SET, rights)
        yield from (f"update {table} set {column} = default where false" for column in columns if column not in granted)
    yield f"truncate {table}"
    yield f"alter table {table} add column x integer"
    yield f"drop table {table}"
    yield f"create trigger x before insert on {table} for each row execute function ring_events_doorbell()"
    yield f"create index on {table} ({columns[0]})"


OTHER_STATEMENTS = [
    "create table mine (x integer)",
    "create function public.mine() returns integer language sql as 'select 1'",
    "create schema mine",
    "create role mine",
    "create database mine",
    "alter database {database} set statement_timeout = 0",
    "alter function emit_shot_event() security invoker",
    "alter system set fsync = off",
    "copy events to program 'true'",
    "select pg_read_file('PG_VERSION')",
    "select nextval('events_id_seq')",
    "set session authorization archstats",
    "set role archstats",
    "select lo_from_bytea(0, 'x')",
    "select lo_creat(-1)",
    "select pg_logical_emit_message(false, 'x', 'y')",
    "select pg_advisory_lock(1399353204)",
    "select pg_try_advisory_lock_shared(1399353204, 1)",
    "select pg_advisory_xact_lock(1)",
    "select renew_epoch()",
    "select set_hub_number(3)",
]
