"""The UUID of an arrow is permanent: no role changes it, removes it, or gives it to another tag."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from tests.edge.operator.arrows.command_rows import OTHER_TID, TID, add_arrow, add_scanner, programmed

WAYS = (
    "update arrows set id = gen_random_uuid()",
    "update arrows set id = gen_random_uuid(), is_programmed = true where human_identifier = 'A07'",
    "insert into arrows (id, human_identifier) select id, 'B1' from arrows on conflict (id) do update set id = gen_random_uuid()",
    "insert into arrows (id, human_identifier) select id, 'B1' from arrows",
    "delete from arrows",
    "delete from arrows where human_identifier = 'A07'",
    "truncate arrows cascade",
    "update arrows set is_programmed = false",
    "update arrows set tag_tid = null",
    f"update arrows set tag_tid = '{OTHER_TID}' where human_identifier = 'A07'",
    f"update arrows set tag_tid = '{TID}' where human_identifier = 'A08'",
    f"insert into arrows (id, human_identifier, tag_tid) values (gen_random_uuid(), 'A09', '{TID}')",
    "update arrows set is_locked = false",
    "merge into arrows a using (select 1) x on true when matched then delete",
)
"""Statements that change a UUID, give it away, or take the tag of one that is programmed and locked."""
REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError, asyncpg.UniqueViolationError)


@asynccontextmanager
async def connected(settings: ServiceSettings, role: Role | None) -> AsyncIterator[Connection]:
    async with open_database(settings, application="test", role=role) as database:
        connection = await database.connect()
        yield connection
        await connection.close()


@pytest.mark.parametrize("role", [*Role, None], ids=lambda role: role or "owner")
async def test_no_role_changes_or_reuses_a_uuid(
    connection: Connection, database_settings: ServiceSettings, role: Role | None
) -> None:
    await add_scanner(connection)
    await programmed(connection, await add_arrow(connection), lock=True)
    await add_arrow(connection, "A08")
    before = await connection.fetch("select * from arrows order by id")
    async with connected(database_settings, role) as other:
        for statement in WAYS:
            with pytest.raises(REFUSED):
                await other.execute(statement)
    assert await connection.fetch("select * from arrows order by id") == before


async def test_a_refusal_names_the_arrow_and_the_way_out(connection: Connection) -> None:
    await add_arrow(connection)
    with pytest.raises(asyncpg.RestrictViolationError, match="the UUID of arrow A07 is permanent"):
        await connection.execute("update arrows set id = gen_random_uuid()")
    with pytest.raises(asyncpg.RestrictViolationError, match="arrows are never removed") as refused:
        await connection.execute("delete from arrows")
    assert "arrow void LABEL" in str(refused.value.hint)


@pytest.mark.parametrize(
    "values",
    ["length = 'nan'", "length = 720", "weight = 'infinity'", "diameter = 55", "spine = 0.5", "label_position = 80"],
)
async def test_sizes_have_bounds(connection: Connection, values: str) -> None:
    await add_arrow(connection, length=72.0)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(f"update arrows set {values}")
