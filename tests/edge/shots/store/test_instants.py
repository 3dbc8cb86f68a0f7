"""SQL on instants, against the same rule in Python."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.shots.store.instants import SqlInstant, utc_by_clock_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOOT, OTHER_BOOT = UUID(int=1), UUID(int=2)
REFERENCE = Instant(NOON, 5_000_000_000, BOOT)
A, B = SqlInstant.of_parameters(1), SqlInstant.of_parameters(4)
HOUR = timedelta(hours=1)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    opened = await database.connect()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (Instant(NOON + HOUR, 7_000_000_000, BOOT), NOON + timedelta(seconds=2)),
        (Instant(NOON + HOUR, 7_000_000_000, OTHER_BOOT), NOON + HOUR),
        (Instant(NOON + HOUR), NOON + HOUR),
    ],
)
async def test_utc_follows_the_clock_of_the_reference(
    connection: Connection, instant: Instant, expected: datetime
) -> None:
    statement = f"select {utc_by_clock_of(A, B)}"
    assert await connection.fetchval(statement, *REFERENCE.columns, *instant.columns) == expected
