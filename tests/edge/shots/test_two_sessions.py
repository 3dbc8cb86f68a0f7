"""Two sessions that could claim the same readings: each is of one of them, and neither becomes stuck."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from edge.common.database import Database, open_database
from edge.common.settings import ServiceSettings
from tests.edge.shots.lane_floor import LaneFloor
from tests.edge.shots.test_service import assembler, until


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    async with open_database(database_settings, application="test-shots") as opened:
        yield opened


@pytest.fixture
async def floor(database: Database) -> AsyncIterator[LaneFloor]:
    connection = await database.connect()
    built = LaneFloor(connection)
    await built.build()
    yield built
    await connection.close()


@pytest.mark.parametrize("bow_told", [False, True])
async def test_a_session_that_begins_where_the_last_one_ended(
    floor: LaneFloor, database: Database, *, bow_told: bool
) -> None:
    """What lands right after a closing may have flown before it: it stays with the session that was closed."""
    first = floor.session_id
    await floor.connection.execute("update sessions set closing_time = $1", floor.at(20.0))
    await floor.land(20.4)
    claimed = "select session_id from orphans" if bow_told else "select session_id from shots"
    async with assembler(database):
        if bow_told:
            await floor.told_until(50.0)
        await until(floor, f"count(*) = 1 from ({claimed})")
        await until(floor, "not is_opened from sessions")
        second: UUID = await floor.connection.fetchval(
            "insert into sessions (start_time, location) select end_time, 'test' from sessions returning id"
        )
        await floor.shoot(30.0)
        await floor.land(30.4, told=30.4)
        await until(floor, f"exists (select from shots where session_id = '{second}' and result = 'hit')")
    assert [row["session_id"] for row in await floor.connection.fetch(claimed)][:1] == [first]
    assert await floor.connection.fetchval("select count(*) from orphans") == bow_told
