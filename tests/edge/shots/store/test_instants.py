"""SQL on instants, against the same rule in Python."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drivers.clock.instant import Instant
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.shots.store.instants import SqlInstant, is_before, utc_by_clock_of

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
    ("later", "expected"),
    [
        (Instant(NOON - HOUR, 5_000_000_001, BOOT), True),
        (Instant(NOON, 5_000_000_000, BOOT), False),
        (Instant(NOON + HOUR, 4_999_999_999, BOOT), False),
        (Instant(NOON + HOUR, 1, OTHER_BOOT), True),
        (Instant(NOON - HOUR, 9_000_000_000, OTHER_BOOT), False),
        (Instant(NOON + HOUR), True),
        (Instant(NOON), False),
        (Instant(NOON + HOUR, None, BOOT), True),
    ],
)
async def test_monotonic_clock_decides_within_one_boot(
    connection: Connection, later: Instant, *, expected: bool
) -> None:
    statement = f"select {is_before(A, B)}"
    assert await connection.fetchval(statement, *REFERENCE.columns, *later.columns) is expected


@pytest.mark.parametrize(("shift_s", "expected"), [(-3, False), (-1, True), (1, True)])
@pytest.mark.parametrize("boot", [BOOT, OTHER_BOOT])
async def test_shift_moves_both_clocks(connection: Connection, boot: UUID, shift_s: int, *, expected: bool) -> None:
    earlier = Instant(NOON - timedelta(seconds=2), 3_000_000_000, boot)
    statement = "select " + is_before(B, A.shifted(f"interval '{shift_s} s'"))
    assert await connection.fetchval(statement, *REFERENCE.columns, *earlier.columns) is expected


async def test_null_instant_has_a_substitute(connection: Connection) -> None:
    statement = "select " + is_before(A, B.or_at("'infinity'"))
    assert await connection.fetchval(statement, *REFERENCE.columns, None, None, None) is True


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
