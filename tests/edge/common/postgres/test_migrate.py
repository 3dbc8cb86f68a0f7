"""Migrations: applied once whoever asks, guarded against change, and every table usable."""

from __future__ import annotations

import asyncio

import pytest

from edge.common.config.errors import ConfigError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.migrate import known_migrations, migrate, schema_state


async def test_an_empty_database_becomes_current(empty_database_settings: ServiceSettings) -> None:
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


async def test_many_at_once_apply_each_migration_once(empty_database_settings: ServiceSettings) -> None:
    async def one(database: Database) -> list[str]:
        connection = await database.connect()
        try:
            return await migrate(connection, "archy")
        finally:
            await connection.close()

    async with open_database(empty_database_settings, application="test") as database:
        applied = await asyncio.gather(*(one(database) for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], [m.name for m in known_migrations()]]


async def test_a_changed_migration_is_refused(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        name = known_migrations()[0].name
        await connection.execute("update schema_migrations set sha256 = 'other' where name = $1", name)
        with pytest.raises(ConfigError, match=f"another text of {name}"):
            await migrate(connection, "archy")
        await connection.close()


async def test_a_newer_schema_is_refused(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await connection.execute("insert into schema_migrations (name, sha256) values ('9999_later.sql', 'x')")
        with pytest.raises(ConfigError, match=r"newer than this build knows \(9999_later.sql\)"):
            await migrate(connection, "archy")
        await connection.close()


async def test_another_channel_is_refused(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        with pytest.raises(ConfigError, match=r"'lane_two'.*'archy'"):
            await migrate(connection, "lane_two")
        await connection.close()


async def test_a_device_in_two_sessions_at_once_is_told_apart(empty_database_settings: ServiceSettings) -> None:
    """Before 0012 a device whose lane was corrected was in the open sessions of both lanes."""
    async with open_database(empty_database_settings, application="test") as database:
        connection = await database.connect()
        known = [m for m in known_migrations() if not m.repeatable]
        for migration in known:
            if migration.name < "0012":
                await connection.execute(migration.sql)
        await connection.execute(DOUBLED)
        for migration in known:
            if migration.name >= "0012":
                await connection.execute(migration.sql)
        rows = await connection.fetch(
            """
            select lane, device_id, extract(epoch from d.since - '2026-01-01Z')::float as since,
                extract(epoch from d.until - '2026-01-01Z')::float as until, since_mono_ns, until_mono_ns
            from session_devices d join sessions s on s.id = d.session_id order by lane, device_id
            """
        )
        since = await connection.fetch("select id, lane_since_mono_ns from devices order by id")
        await connection.close()
    assert [tuple(row) for row in rows] == [
        (1, "bow-1", None, 20.000001, None, 20_000_000_001),  # after the last shot of its old lane
        (1, "bow-2", None, 5.0, None, 5_000_000_000),  # its old lane never told anything of it
        (1, "target-1", None, None, None, None),
        (2, "bow-1", 20.000001, None, 20_000_000_001, None),
        (2, "bow-2", 5.0, None, 5_000_000_000, None),
    ]
    assert [tuple(row) for row in since] == [("bow-1", 20_000_000_001), ("bow-2", 5_000_000_000), ("target-1", None)]


DOUBLED = """
insert into installation (channel) values ('archy');
insert into devices (id, kind, driver, lane)
    values ('bow-1', 'bow', 'x', 1), ('bow-2', 'bow', 'x', 1), ('target-1', 'target', 'x', 1);
insert into sessions (id, lane, start_time, start_mono_ns, start_boot_id, location)
    select format('00000000-0000-0000-0000-00000000000%s', lane)::uuid, lane, '2026-01-01Z'::timestamptz + starts * interval '1 s',
        starts * 1000000000::bigint, '00000000-0000-0000-0000-0000000000bb', 'x'
    from (values (1, 0), (2, 5)) as begun (lane, starts);
update devices set lane = 2 where id like 'bow-%';
insert into readings (device_id, stream_id, seq, kind, at, mono_ns, host_boot_id, received_at, source)
    select 'bow-1', '00000000-0000-0000-0000-0000000000aa', seq, 'release', '2026-01-01Z'::timestamptz + seq * interval '10 s',
        seq * 10000000000::bigint, '00000000-0000-0000-0000-0000000000bb', now(), 'hardware'
    from generate_series(1, 3) as seq;
insert into shots (id, session_id, lane, result, rule_version, time_source, release_device_id, release_stream_id, release_seq)
    select gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 1, 'unknown', 1, 'bow', device_id, stream_id, seq
    from readings where seq < 3;
"""
