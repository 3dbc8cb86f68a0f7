"""Arrows of an earlier build, typed in SQL, keep all that an arrow can have."""

from __future__ import annotations

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from edge.common.postgres.migrate import known_migrations, migrate


async def test_arrows_of_before_keep_what_an_arrow_can_have(empty_database_settings: ServiceSettings) -> None:
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
                (gen_random_uuid(), 'A3', 70, null, null, null, 90);
            insert into arrows (id, human_identifier, length, is_programmed, is_active, voided_date) values
                (gen_random_uuid(), 'A4', 70, true, true, null), (gen_random_uuid(), 'A4', 70, true, false, now());
            """
        )
        await migrate(connection, "archy")
        rows = await connection.fetch(
            "select length, weight, diameter, spine, label_position from arrows order by human_identifier"
        )
        marks = await connection.fetch(
            "select is_programmed, is_tag_unknown, is_locked, tag_tid, is_active from arrows order by human_identifier, is_active"
        )
        await connection.execute("insert into arrows (id, human_identifier) values (gen_random_uuid(), 'B1')")
        new = await connection.fetchval("select is_tag_unknown from arrows where human_identifier = 'B1'")
        await connection.close()
    short = (70, None, None, None, None)
    assert [tuple(row) for row in rows] == [(72, 22, 5.5, 500, 10), (None,) * 5, short, short, short]
    registered, elsewhere = (False, True, False, None, True), (True, True, False, None)
    assert [tuple(row) for row in marks] == [registered] * 3 + [(*elsewhere, False), (*elsewhere, True)]
    assert new is False, "only arrows of before may have a tag"


_MIGRATIONS = """
create table schema_migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now()
)
"""
