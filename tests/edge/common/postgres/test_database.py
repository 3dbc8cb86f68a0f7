"""Connections have deadlines, and a database that is away, rejects the login or has an older schema is awaited."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from edge.common.config.errors import ConfigError
from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres import database as module
from edge.common.postgres.connection import DATABASE_FAULTS
from edge.common.postgres.database import Database, backoff_s, open_database, wait_until_ready
from edge.common.postgres.embedded.cluster import USER
from edge.common.postgres.migrate import known_migrations, migrate
from edge.common.postgres.roles import LIMITS, Role
from tests.eventually import eventually
from tests.proxy import database_proxy, settings_through
from tests.timing import limit_s


async def test_every_connection_has_a_name_and_limits(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="archstats-sensor bow-1") as database:
        connection = await database.connect()
        pool = await database.pool(0, 2)
        async with pool.acquire() as pooled:
            for one in (connection, pooled):
                assert await one.fetchval("show application_name") == "archstats-sensor bow-1"
                for limit in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
                    assert await one.fetchval(f"show {limit}") != "0"
                assert await one.fetchval("show timezone") == "UTC"
        await pool.close()
        await connection.close()


async def test_server_ends_an_idle_transaction(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "idle_in_transaction_session_timeout", "100ms")
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await connection.execute("begin")
        await eventually(connection.is_closed)
        connection.terminate()
        other = await database.connect()
        assert (
            await other.fetchval("select count(*) from pg_stat_activity where state like 'idle in transaction%'") == 0
        )
        await other.close()


async def test_connection_takes_its_role(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test", role=Role.PUSH) as database:
        connection = await database.connect()
        assert await connection.fetchval("select current_user || ' ' || session_user") == f"archstats_push {USER}"
        await connection.close()


async def test_frozen_server_is_left_after_the_command_timeout(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 0.3)
    async with (
        database_proxy(database_settings) as proxy,
        open_database(settings_through(proxy, database_settings), application="test") as database,
    ):
        tasks_before = len(asyncio.all_tasks())
        connection = await database.connect()
        monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.3)
        proxy.freeze()
        began = time.monotonic()
        with pytest.raises(DATABASE_FAULTS):
            await connection.execute("select 1")
        with pytest.raises(DATABASE_FAULTS):
            await database.connect()
        assert time.monotonic() - began < limit_s(pytestconfig, 3.0)
        connection.terminate()
        proxy.thaw()
        await eventually(lambda: len(asyncio.all_tasks()) == tasks_before)  # asyncpg's own cancel request has ended


async def test_current_database_is_ready_immediately(
    database_settings: ServiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with open_database(database_settings, application="test") as database, asyncio.timeout(20):
        await wait_until_ready(database)
    waits = [message for message in caplog.messages if "fsync is off" not in message]  # as in the tests' server
    assert waits == [], "there was nothing to wait for"


async def test_older_schema_is_awaited_and_logged_once(
    empty_database_settings: ServiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with open_database(empty_database_settings, application="test") as database:
        waiting = asyncio.create_task(wait_until_ready(database))
        await eventually(lambda: bool(caplog.records))
        done, _ = await asyncio.wait({waiting}, timeout=0.6)
        assert not done
        connection = await database.connect()
        await migrate(connection, "archy")
        await connection.close()
        async with asyncio.timeout(30):
            await waiting
    messages = [message for message in caplog.messages if "fsync is off" not in message]
    assert len(messages) == 2
    assert "archstats-sensor db migrate" in messages[0]
    assert "ready" in messages[1]


async def test_partly_migrated_schema_is_awaited(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await connection.execute("delete from schema_migrations where name = $1", known_migrations()[-1].name)
        await connection.close()
        stop = asyncio.Event()
        waiting = asyncio.create_task(wait_until_ready(database, stop=stop))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        stop.set()
        async with asyncio.timeout(20):
            await waiting


async def test_newer_schema_is_a_configuration_error(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as database:
        connection = await database.connect()
        await connection.execute("insert into schema_migrations (name, sha256) values ('9999_later.sql', 'x')")
        await connection.close()
        with pytest.raises(ConfigError, match=r"newer.*9999_later\.sql.*Upgrade"):
            await wait_until_ready(database)


async def test_error_for_another_channel_names_both(database_settings: ServiceSettings) -> None:
    settings = replace(database_settings, ws_channel="lane_two")
    async with open_database(settings, application="test") as database:
        with pytest.raises(ConfigError, match=r"'lane_two'.*'archy'.*Set ARCH_STATS_WS_CHANNEL=archy"):
            await wait_until_ready(database)


@pytest.mark.parametrize("fault", ["no server", "no such database", "no such user", "no such host"])
async def test_unreachable_database_is_awaited_and_logged_once(
    database_settings: ServiceSettings, caplog: pytest.LogCaptureFixture, tmp_path: Path, fault: str
) -> None:
    known = database_settings.database
    changed = {
        "no server": replace(known, socket_dir=tmp_path),
        "no such database": replace(known, db="nowhere"),
        "no such user": replace(known, user="no_such_user"),
        "no such host": replace(known, socket_dir=None, host="does-not-exist.invalid"),
    }
    settings = ServiceSettings(database=changed[fault])
    caplog.set_level(logging.INFO)
    stop = asyncio.Event()
    async with open_database(settings, application="test") as database, asyncio.timeout(60):
        waiting = asyncio.create_task(wait_until_ready(database, stop=stop))
        await eventually(lambda: bool(caplog.records))
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
        stop.set()
        await waiting
    assert len(caplog.records) == 1
    assert "POSTGRES_*" in caplog.records[0].getMessage()


async def test_password_is_in_no_message(database_settings: ServiceSettings) -> None:
    settings = ServiceSettings(database=replace(database_settings.database, password="hunter2", db="nowhere"))
    async with open_database(settings, application="test") as database:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await database.connect()
        assert "hunter2" not in f"{caught.value} {database.location} {settings!r}"


async def test_waiting_ends_when_the_server_appears(database_settings: ServiceSettings) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        open_database(settings_through(proxy, database_settings), application="test") as database,
        asyncio.timeout(60),
    ):
        await proxy.refuse()
        waiting = asyncio.create_task(wait_until_ready(database))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await proxy.accept()
        await waiting


async def test_cancelled_opening_leaves_no_server(tmp_path: Path) -> None:
    async def opened() -> None:
        settings = ServiceSettings(database=DatabaseSettings(database_dir=tmp_path / "pg"))
        async with open_database(settings, application="test"):
            await asyncio.Event().wait()

    opening = asyncio.create_task(opened())
    await eventually(lambda: (tmp_path / "pg" / "start.lock").exists())
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not (tmp_path / "pg" / "data" / "postmaster.pid").exists()


def test_pauses_grow_are_random_and_have_a_limit() -> None:
    early = [backoff_s(1) for _ in range(200)]
    late = [backoff_s(50) for _ in range(200)]
    assert max(early) < max(late) <= 5.0
    assert len(set(late)) > 100


def test_location_names_database_and_server(database_settings: ServiceSettings) -> None:
    location = Database(database_settings, "test").location
    assert database_settings.database.db in location
    assert str(database_settings.database.socket_dir) in location
