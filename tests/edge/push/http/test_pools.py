"""Connections to the database that requests share: a request that waits for something else holds none."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
from pytest_mock import MockerFixture

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.push.http.envelope import RequestRejected
from edge.push.http.read_pool import PoolBusyError, ReadPool
from edge.push.http.write_pool import MAX_WRITING, WritePool
from tests.edge.lane_rows import LaneRows
from tests.edge.push.api.original.answers import data_of, refused
from tests.edge.push.serving import Service, http
from tests.edge.shot_rows import add_shot

SEEN = {"reason": "seen on the face"}


async def test_a_full_pool_is_busy_and_not_away(database: Database, mocker: MockerFixture) -> None:
    mocker.patch("edge.push.http.read_pool.TIMEOUT_S", 0.2)
    pool, long = ReadPool(database, 1), WritePool(database, 1)
    async with pool.connection():
        with pytest.raises(PoolBusyError, match="other requests use all connections"):
            await pool.value("select 1")
    assert await pool.value("select '1'") == "1"
    async with long.connection():
        with pytest.raises(RequestRejected) as rejected:
            long.refuse_full("two scanners work")
    assert (rejected.value.status, rejected.value.errors[0].code) == (409, "busy")
    long.refuse_full("no scanner works")
    pool.close()
    long.close()


async def test_a_busy_pool_is_answered_as_busy(service: Service, mocker: MockerFixture) -> None:
    mocker.patch.object(ReadPool, "connection", side_effect=PoolBusyError("other requests use all connections"))
    async with http(service, "/api/v0/") as client:
        answer = await client.get("/session")
    refused(answer, 503, "busy")
    assert answer.headers["retry-after"] == "1"


async def test_decisions_that_wait_hold_no_connection(
    service: Service, lane: LaneRows, connection: Connection, mocker: MockerFixture
) -> None:
    async def is_there(_: Connection) -> bool:
        return True

    mocker.patch("edge.operator.records.decisions.has_assembler", is_there)
    shots = [await add_shot(lane, 600.0 + number) for number in range(MAX_WRITING + 1)]
    async with http(service, "/api/v0/") as client, AsyncExitStack() as waiting:
        tasks = await wait_together(client, [str(shot) for shot in shots], connection)
        for task in tasks:
            waiting.callback(task.cancel)
        async with asyncio.timeout(2.5):
            data_of(await client.post("/archer", json={"name": "Kim"}), 201)
        assert not any(task.done() for task in tasks)
        await connection.execute("update rebuilds set done_at = now(), shots = 0, revised = 0")
        assert [data_of(await task, 202) for task in tasks] == [{"done": True}] * len(tasks)


async def wait_together(
    client: httpx.AsyncClient, shots: list[str], connection: Connection
) -> list[asyncio.Task[httpx.Response]]:
    """Decide about shots, each by a request of its own, and return once all are recorded."""
    tasks = [asyncio.create_task(client.post(f"/shot/{shot}/correct", json=SEEN | {"points": 9})) for shot in shots]
    async with asyncio.timeout(10.0):
        while await connection.fetchval("select count(*) from corrections") < len(shots):
            await asyncio.sleep(0.01)
    return tasks
