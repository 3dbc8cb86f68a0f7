"""The UUID of an arrow is permanent: no role changes it, removes it, or gives it to another tag."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from tests.edge.operator.arrows.command_rows import OTHER_TID, TID, add_arrow, add_scanner, programmed

HELD = uuid4()
"""UUID of A12, which a tag on the scanner may hold."""
BLANK = "0" * 32
WAYS = (
    "update arrows set id = gen_random_uuid()",
    "update arrows set id = gen_random_uuid(), is_programmed = true where human_identifier = 'A07'",
    "insert into arrows (id, human_identifier) select id, 'B1' from arrows on conflict (id) do update set id = gen_random_uuid()",
    "insert into arrows (id, human_identifier) select id, 'B1' from arrows where human_identifier = 'A07'",
    "delete from arrows",
    "delete from arrows where human_identifier = 'A07'",
    "truncate arrows cascade",
    "update arrows set is_programmed = false",
    "update arrows set tag_tid = null",
    f"update arrows set tag_tid = '{OTHER_TID}' where human_identifier = 'A07'",
    f"update arrows set tag_tid = '{TID}' where human_identifier = 'A08'",
    f"insert into arrows (id, human_identifier, tag_tid) values (gen_random_uuid(), 'A09', '{TID}')",
    "update arrows set is_locked = false",
    f"select claim_tag(id, '{OTHER_TID}') from arrows where human_identifier = 'A08'",
    "update arrows set is_tag_unknown = false where human_identifier = 'A10'",
    *(
        f"""
        insert into commands (device_id, kind, who, arguments) select 'arrow-1', 'program_arrow', 'Robin', jsonb_build_object(
            'epc', replace(id::text, '-', ''), 'tid', '{tid}', 'memory', '{memory}') from arrows where human_identifier = '{label}'
        """
        for label, tid, memory in (
            ("A07", OTHER_TID, BLANK), ("A07", OTHER_TID, HELD.hex), ("A08", TID, BLANK), ("A08", OTHER_TID, HELD.hex),
            ("A08", OTHER_TID, str(HELD)), ("A08", OTHER_TID.upper(), BLANK), ("A09", OTHER_TID, BLANK),
            ("A10", OTHER_TID, BLANK), ("A11", OTHER_TID, BLANK),
        )
    ),
    "merge into arrows a using (select 1) x on true when matched then delete",
)  # fmt: skip
"""Statements that change a UUID, give it away, write it into a second tag, or take the tag of one that is programmed and locked.
A07 is programmed and locked, A08 and A12 are registered, A09 is imported, A10 programmed elsewhere, and A11 voided."""
REFUSED = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.RestrictViolationError,
    asyncpg.UniqueViolationError,
    asyncpg.CheckViolationError,
    asyncpg.UndefinedFunctionError,
)


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
    await add_arrow(connection, "A09", is_tag_unknown=True)
    await add_arrow(connection, "A10", is_programmed=True)
    await add_arrow(connection, "A11", is_active=False, voided_date=datetime.now(UTC))
    await connection.execute("insert into arrows (id, human_identifier) values ($1, 'A12')", HELD)
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
    ["length = 'nan'", "length = 720", "weight = 'infinity'", "diameter = 55", "spine = 1.234", "label_position = 80"],
)
async def test_sizes_have_bounds(connection: Connection, values: str) -> None:
    await add_arrow(connection, length=72.0)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(f"update arrows set {values}")
