"""Migrations are applied once, also by several processes at the same time, and are protected against change."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from edge.common.config.errors import ConfigError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.migrate import known_migrations, migrate, schema_state
from edge.common.postgres.place import LOCK
from edge.common.postgres.roles import Role


async def test_empty_database_becomes_current(empty_database_settings: ServiceSettings) -> None:
    async with open_database(empty_database_settings, application="test") as database:
        connection = await database.connect()
        before = await schema_state(connection)
        applied = await migrate(connection, "archy")
        after = await schema_state(connection)
        again = await migrate(connection, "archy")
        await connection.close()
    assert before.missing == tuple(applied) == tuple(m.name for m in known_migrations())
    assert before.channel is None
    assert after.current
    assert after.channel == "archy"
    assert again == []


async def test_concurrent_processes_apply_each_migration_once(empty_database_settings: ServiceSettings) -> None:
    async def run_migrate(database: Database) -> list[str]:
        connection = await database.connect()
        try:
            return await migrate(connection, "archy")
        finally:
            await connection.close()

    async with open_database(empty_database_settings, application="test") as database:
        applied = await asyncio.gather(*(run_migrate(database) for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], [m.name for m in known_migrations()]]


async def test_a_changed_migration_is_refused(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        name = known_migrations()[0].name
        await connection.execute("update schema_migrations set sha256 = 'other' where name = $1", name)
        with pytest.raises(ConfigError, match=f"a different text of {name}"):
            await migrate(connection, "archy")
        await connection.close()


async def test_a_newer_schema_is_refused(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await connection.execute("insert into schema_migrations (name, sha256) values ('9999_later.sql', 'x')")
        with pytest.raises(ConfigError, match=r"newer than this build \(9999_later.sql\)"):
            await migrate(connection, "archy")
        await connection.close()


async def test_another_channel_is_refused(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        with pytest.raises(ConfigError, match=r"'lane_two'.*'archy'"):
            await migrate(connection, "lane_two")
        await connection.close()


async def test_lock_of_a_session_that_cannot_migrate_is_named(database_settings: ServiceSettings) -> None:
    as_push = replace(database_settings, database=replace(database_settings.database, user=Role.PUSH.value))
    async with (
        open_database(database_settings, application="test") as database,
        open_database(as_push, application="psql", role=Role.PUSH) as other,
    ):
        connection, holder = await database.connect(), await other.connect()
        await connection.execute("grant execute on function pg_advisory_lock(bigint) to archstats_push")
        await holder.execute("select pg_advisory_lock($1)", LOCK)
        with pytest.raises(
            ConfigError, match=r"of user 'archstats_push' \(psql\) holds the lock.*pg_terminate_backend"
        ):
            await migrate(connection, "archy")
        for opened in (holder, connection):
            await opened.close()
