"""Arrows of an earlier build, typed in SQL, keep all that an arrow can have."""

from __future__ import annotations

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from edge.common.postgres.migrate import known_migrations, migrate


async def test_sizes_that_no_arrow_has_become_unknown(empty_database_settings: ServiceSettings) -> None:
    earlier = [one for one in known_migrations() if not one.repeatable and one.name < "0020"]
    async with open_database(empty_database_settings, application="test") as database:
        connection = await database.connect()
        await migrate(connection, "archy")
        await connection.execute("drop schema public cascade; create schema public")
        for migration in earlier:
            if migration is earlier[0]:
                await connection.execute(_MIGRATIONS)
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into schema_migrations (name, sha256) values ($1, $2)", migration.name, migration.sha256
            )
        await connection.execute(
            """
            insert into installation (channel) values ('archy');
            insert into arrows (id, human_identifier, length, weight, diameter, spine, label_position) values
                (gen_random_uuid(), 'A1', 72, 22, 5.5, 500, 10), (gen_random_uuid(), 'A2', 720, 'infinity', 55, 'nan', -1),
                (gen_random_uuid(), 'A3', 70, null, null, null, 90)
            """
        )
        await migrate(connection, "archy")
        rows = await connection.fetch(
            "select length, weight, diameter, spine, label_position from arrows order by human_identifier"
        )
        await connection.close()
    assert [tuple(row) for row in rows] == [(72, 22, 5.5, 500, 10), (None,) * 5, (70, None, None, None, None)]


_MIGRATIONS = """
create table schema_migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now()
)
"""
