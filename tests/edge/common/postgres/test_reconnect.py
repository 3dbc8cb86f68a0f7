"""Work over a connection is repeated until it completes: faults are reported, and pauses grow until the next success."""

from __future__ import annotations

import asyncio
from itertools import count

import asyncpg
import pytest

from edge.common.postgres import reconnect as module
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.reconnect import reconnecting

AWAY = ConnectionRefusedError("no server listens")


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Failures in a row at each pause; the pauses themselves are skipped."""
    counted: list[int] = []

    def no_pause(failures: int, _wait: object) -> float:
        counted.append(failures)
        return 0.0

    monkeypatch.setattr(module, "backoff_s", no_pause)
    return counted


async def test_work_that_completes_is_done_once(database: Database) -> None:
    faults: list[Exception] = []
    done = 0
    async for attempt in reconnecting(database, faults.append):
        with attempt:
            connection = await attempt.connect()
            done += await connection.fetchval("select 1")
    assert (done, faults) == (1, [])
    assert connection.is_closed()


async def test_a_lost_connection_is_replaced(database: Database, failures: list[int]) -> None:
    faults: list[Exception] = []
    attempts = count(1)
    async for attempt in reconnecting(database, faults.append):
        with attempt:
            connection = await attempt.connect()
            if next(attempts) < 3:
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    assert [isinstance(fault, (asyncpg.PostgresError, OSError, asyncpg.InterfaceError)) for fault in faults] == [
        True
    ] * 2
    assert failures == [1, 2]


async def test_success_restarts_the_count_of_failures(database: Database, failures: list[int]) -> None:
    attempts = count(1)
    async for attempt in reconnecting(database, lambda _fault: None):
        with attempt:
            number = next(attempts)
            if number == 3:
                attempt.succeed()
            if number < 5:
                raise AWAY
    assert failures == [1, 2, 1, 2]


async def test_lasting_fault_is_raised_after_the_deadline(database: Database, failures: list[int]) -> None:
    faults: list[Exception] = []

    async def work() -> None:
        async for attempt in reconnecting(database, faults.append, give_up_after_s=0.0):
            with attempt:
                raise AWAY

    with pytest.raises(ConnectionRefusedError):
        await work()
    assert (faults, failures) == ([AWAY], [])


@pytest.mark.parametrize("other", [ValueError("wrong"), asyncio.CancelledError()])
async def test_any_other_exception_ends_the_loop(database: Database, other: BaseException) -> None:
    faults: list[Exception] = []
    opened: list[Connection] = []

    async def work() -> None:
        async for attempt in reconnecting(database, faults.append):
            with attempt:
                opened.append(await attempt.connect())
                raise other

    with pytest.raises(type(other)):
        await work()
    assert (faults, [connection.is_closed() for connection in opened]) == ([], [True])


async def test_each_attempt_counts_as_progress(database: Database, failures: list[int]) -> None:
    ticks: list[None] = []
    attempts = count(1)
    async for attempt in reconnecting(database, lambda _fault: None, tick=lambda: ticks.append(None)):
        with attempt:
            if next(attempts) < 4:
                raise AWAY
    assert (len(ticks), len(failures)) == (4, 3)
