"""The listener detects a dead or frozen peer, reconnects, and rings after each reconnection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.listener import EVERYTHING, HEARTBEAT_EVERY_S, HEARTBEAT_TIMEOUT_S, MOST_PAYLOADS, Listener
from tests.eventually import eventually
from tests.proxy import database_proxy, settings_through
from tests.timing import limit_s

WITHIN_S = 20.0
"""Deadline for a doorbell or a new connection."""


@asynccontextmanager
async def listening(settings: ServiceSettings, *, poll_s: float = 60.0) -> AsyncIterator[tuple[Listener, Connection]]:
    """A running listener after the ring of its first connection, and a direct connection to ring with."""
    async with open_database(settings, application="listener") as database:
        listener = Listener(database, [database.channel, f"{database.channel}_readings"], poll_s=poll_s)
        ringer = await database.connect()
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(listener.run())
            assert await listener.wait(WITHIN_S)
            listener.payloads()
            yield listener, ringer
            running.cancel()
        await ringer.close()


async def ring(connection: Connection, payload: str = "", channel: str = "archy") -> None:
    await connection.execute("select pg_notify($1, $2)", channel, payload)


async def test_a_doorbell_wakes_the_reader(database_settings: ServiceSettings) -> None:
    async with listening(database_settings) as (listener, ringer):
        assert listener.connected
        assert not await listener.wait(0.05)
        await ring(ringer, "bow-1", "archy_readings")
        assert await listener.wait(WITHIN_S)
        assert listener.payloads() == {"bow-1"}
        assert not await listener.wait(0.05)


async def test_doorbells_coalesce(database_settings: ServiceSettings) -> None:
    async with listening(database_settings) as (listener, ringer):
        for number in range(20):
            await ring(ringer, f"bow-{number % 3}")
        await ring(ringer, "last")
        while "last" not in (received := listener.payloads()):
            assert await listener.wait(WITHIN_S)
            received |= listener.payloads()
            if "last" in received:
                break
        await listener.wait(0)
        assert not await listener.wait(0.05)


async def test_payloads_are_bounded(database_settings: ServiceSettings) -> None:
    async with listening(database_settings) as (listener, ringer):
        for number in range(MOST_PAYLOADS + 5):
            await ring(ringer, f"bow-{number}")
        await ring(ringer, "last")
        received: set[str] = set()
        while "last" not in received:
            await listener.wait(WITHIN_S)
            received |= (taken := listener.payloads())
            assert len(taken) <= MOST_PAYLOADS
    # either all payloads are there, or the set overflowed to EVERYTHING
    assert EVERYTHING in received or len(received) == MOST_PAYLOADS + 6


async def test_slow_poll_is_a_safety_net(database_settings: ServiceSettings) -> None:
    async with listening(database_settings, poll_s=0.2) as (listener, _ringer):
        began = time.monotonic()
        assert await listener.wait()
        assert time.monotonic() - began < 20  # not the default interval
        assert listener.payloads() == {EVERYTHING}


async def test_a_terminated_backend_is_replaced_and_rings(database_settings: ServiceSettings) -> None:
    async with listening(database_settings) as (listener, ringer):
        killed = await ringer.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where application_name = 'listener' and pid <> pg_backend_pid() and datname = current_database()"
        )
        assert killed == 1
        assert await listener.wait(WITHIN_S)  # the reconnection itself rings, without a doorbell
        assert listener.reconnects == 1
        assert EVERYTHING in listener.payloads()
        await ring(ringer, "after")
        assert await listener.wait(WITHIN_S)
        assert listener.payloads() == {"after"}


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_a_frozen_peer_is_detected_and_left(
    database_settings: ServiceSettings, tcp: bool, pytestconfig: pytest.Config
) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        listening(settings_through(proxy, database_settings, tcp=tcp)) as (listener, ringer),
    ):
        ringer.terminate()
        proxy.freeze()
        began = time.monotonic()
        await eventually(lambda: not listener.connected)
        detected = time.monotonic() - began
        assert detected < limit_s(pytestconfig, (HEARTBEAT_EVERY_S + HEARTBEAT_TIMEOUT_S) * 1.5)
        assert not await listener.wait(0)
        before = proxy.accepted
        proxy.thaw()
        assert await listener.wait(WITHIN_S)  # the reconnection rings
        assert listener.connected
        assert proxy.accepted >= before


@pytest.mark.parametrize("fault", ["cut", "half_close"])
async def test_a_broken_connection_is_replaced(database_settings: ServiceSettings, fault: str) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        listening(settings_through(proxy, database_settings)) as (listener, ringer),
    ):
        ringer.terminate()
        getattr(proxy, fault)()
        assert await listener.wait(WITHIN_S)
        assert listener.reconnects >= 1


async def test_a_server_that_is_away_is_awaited(database_settings: ServiceSettings) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        listening(settings_through(proxy, database_settings)) as (listener, ringer),
    ):
        ringer.terminate()
        await proxy.refuse()
        await eventually(lambda: not listener.connected)
        assert not await listener.wait(0.3)
        await proxy.accept()
        assert await listener.wait(WITHIN_S)
        assert listener.connected


async def test_cancelling_a_listener_on_a_frozen_peer_is_quick(
    database_settings: ServiceSettings, pytestconfig: pytest.Config
) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        open_database(settings_through(proxy, database_settings), application="listener") as database,
    ):
        task = asyncio.create_task(_listen(database))
        await eventually(lambda: proxy.accepted > 0)
        proxy.freeze()
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < limit_s(pytestconfig, 1.0)


async def _listen(database: Database) -> None:
    await Listener(database, [database.channel]).run()
