"""Several values of an arrow are changed at once, and an arrow is removed, with the rights of the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from edge.common.config.errors import CommandError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import ErrorCode
from edge.operator.arrows import VISIBLE, amend_arrow, find_arrow, lock_arrow, remove_arrow, restore_arrow, void_arrow
from tests.edge.lane_rows import LaneRows
from tests.edge.operator.arrows.command_rows import TID, add_arrow, add_scanner, request
from tests.edge.shot_rows import add_shot

SHOWN = f"select count(*) from arrows where {VISIBLE}"


@pytest.fixture
async def api(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    """A connection with the rights of the HTTP API."""
    async with open_database(database_settings, application="test", role=Role.API) as database:
        connection = await database.connect()
        yield connection
        await connection.close()


async def remove(api: Connection, arrow: UUID) -> None:
    """Remove an arrow as the HTTP API does."""
    async with api.transaction():
        await remove_arrow(api, await lock_arrow(api, arrow), "Robin")


async def test_a_removed_arrow_is_hidden_until_it_is_restored(connection: Connection, api: Connection) -> None:
    arrow = await add_arrow(connection)
    await remove(api, arrow)
    assert await connection.fetchval(SHOWN) == 0
    with pytest.raises(CommandError) as missing:
        await lock_arrow(api, arrow)
    assert missing.value.code is ErrorCode.NOT_FOUND
    await connection.execute(f"set role {Role.OPERATOR}")
    found = await find_arrow(connection, str(arrow))
    assert (found.is_active, found.void_reason, found.voided_by) == (False, "removed", "Robin")
    await restore_arrow(connection, found)
    assert await connection.fetchval(SHOWN) == 1
    await connection.execute("reset role")


async def test_an_arrow_that_was_voided_keeps_its_reason(connection: Connection, api: Connection) -> None:
    arrow = await add_arrow(connection)
    await void_arrow(connection, await find_arrow(connection, "A07"), "Ada", "cracked")
    await remove(api, arrow)
    assert (await find_arrow(connection, str(arrow))).void_reason == "cracked"


async def test_a_removed_arrow_that_is_shot_is_shown(lane: LaneRows, connection: Connection, api: Connection) -> None:
    arrow = await add_arrow(connection, is_programmed=True)
    await connection.execute("delete from shots")
    await remove(api, arrow)
    shot = await add_shot(lane)
    before = await connection.fetchval(SHOWN)
    await connection.execute("update shots set arrow_id = $1 where id = $2", arrow, shot)
    assert await connection.fetchval(SHOWN) == before + 1
    with pytest.raises(CommandError, match="A07 has shots, so it is not removed"):
        await remove(api, arrow)


async def test_an_arrow_with_a_claimed_tag_is_not_removed(connection: Connection, api: Connection) -> None:
    await add_scanner(connection)
    arrow = await add_arrow(connection)
    await request(connection, arrow)
    with pytest.raises(CommandError, match=f"A07 has the tag {TID}"):
        await remove(api, arrow)
    async with api.transaction():
        with pytest.raises(CommandError, match="into which a write is not proved yet"):
            await amend_arrow(api, await lock_arrow(api, arrow), {"is_programmed": True}, "Robin")


@pytest.mark.parametrize(
    "columns", ["tag_tid = null", "is_tag_unknown = false", "is_locked = true", "is_programmed = true"]
)
async def test_the_api_writes_no_tag(connection: Connection, api: Connection, columns: str) -> None:
    await add_arrow(connection)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute(f"update arrows set {columns}")


async def test_a_change_that_fails_changes_nothing(connection: Connection, api: Connection) -> None:
    await add_arrow(connection, "A08")
    arrow = await add_arrow(connection, length=70.0)
    for changes in ({"length": 80.0, "human_identifier": "A08"}, {"length": 80.0, "weight": 9000.0}):
        with pytest.raises(CommandError):
            async with api.transaction():
                await amend_arrow(api, await lock_arrow(api, arrow), changes, "Robin")
    with pytest.raises(CommandError, match="does not exist"):
        await lock_arrow(api, uuid4())
    assert await connection.fetchval("select length from arrows where id = $1", arrow) == 70.0
