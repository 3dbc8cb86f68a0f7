"""The lanes of a benchmark: real shots for the assembler, so that their cost is that of a range."""

from __future__ import annotations

import asyncio
import random

import pytest

from benchmarks.lanes import ARROWS_PER_END, CONNECTIONS, Lane, Range
from drivers.clock.host import host_now
from drivers.contract import ReadingKind
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.vocabulary import Result
from tests.edge.shots.running import assembler


def lanes(count: int) -> list[Lane]:
    return [Lane(number, random.Random(number)) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, ARROWS_PER_END, ARROWS_PER_END + 1])
def test_earlier_arrows_are_over_and_in_order_of_time(count: int) -> None:
    now = host_now()
    readings = list(lanes(1)[0].past(count, now))
    instants = [reading.stamp.at for reading in readings]
    assert instants == sorted(instants)
    assert instants[-1] < now.at
    kinds = [reading.kind for reading in readings]
    assert kinds.count(ReadingKind.LANDING) == kinds.count(ReadingKind.RELEASE) == count
    assert kinds.count(ReadingKind.TAGS) == count // ARROWS_PER_END


async def test_every_arrow_of_the_lanes_becomes_a_hit(database: Database, connection: Connection) -> None:
    writing = [await database.connect() for _ in range(2 * CONNECTIONS)]
    shooting = Range(lanes(2), writing[:CONNECTIONS], writing[CONNECTIONS:])
    await shooting.set_up(ARROWS_PER_END + 1)
    async with assembler(database), asyncio.timeout(20):
        await shooting.shoot(2, 50.0)
        while await results(connection) != {Result.HIT: 2 * (ARROWS_PER_END + 2)}:
            await asyncio.sleep(0.01)
    assert len(shooting.landed) == 2
    ends = await connection.fetch("select closed_by from ends where number = 1")
    assert [row["closed_by"] for row in ends] == ["tags", "tags"]
    for opened in writing:
        opened.terminate()


async def results(connection: Connection) -> dict[Result, int]:
    rows = await connection.fetch("select result, count(*) as shots from shots group by result")
    return {Result(row["result"]): int(row["shots"]) for row in rows}
