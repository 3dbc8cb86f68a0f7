"""Every connection brings the settings that promises rest on, and a server that is not durable is reported."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from drivers.contract import DeviceKind
from edge.common.config.settings import DatabaseSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import SettingsLost, open_database, wait_until_ready
from edge.common.postgres.embedded.cluster import USER, EmbeddedPostgres
from edge.common.postgres.migrate import migrate
from edge.common.postgres.roles import LIMITS, Role
from edge.common.postgres.session_settings import (
    OBSERVED,
    PINNED,
    READ_SETTINGS,
    durability_warnings,
    lost_settings,
    search_path,
)
from edge.operator.postgres_tools import client_for, connection_variables
from edge.sensor.store import Device, SensorStore
from tests.conftest import CHANNEL
from tests.edge.sensor.reports import reading
from tests.eventually import eventually
from tests.postgres import copy_fresh_cluster

CONTRARY = {
    "synchronous_commit": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "TimeZone": "America/New_York",
    "extra_float_digits": "-3",
    "standard_conforming_strings": "off",
    "search_path": "pg_catalog",
}
"""Settings of a database under which promises or statements would fail."""
SAFE = {
    "fsync": "on", "full_page_writes": "on", **PINNED, **LIMITS, "search_path": search_path(Role.SHOTS),
    "role": Role.SHOTS.value,
}  # fmt: skip


async def effective(connection: Connection) -> Mapping[str, str]:
    rows = await connection.fetch(READ_SETTINGS, list(OBSERVED))
    return {row["name"]: row["value"] for row in rows}


async def make_contrary(connection: Connection) -> None:
    name = await connection.fetchval("select quote_ident(current_database())")
    for setting, value in CONTRARY.items():
        await connection.execute(f"alter database {name} set {setting} = '{value}'")


async def test_pins_outrank_the_database_and_survive_a_reset(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    assert set(CONTRARY) == {*PINNED, "search_path"}
    await make_contrary(connection)
    async with open_database(database_settings, application="test") as owner:
        for role in (None, *Role):
            database = owner if role is None else owner.acting_as(role)
            pool = await database.pool(0, 1)
            for _ in range(2):  # the second one gets the connection that the pool has reset
                async with pool.acquire() as pooled:
                    found = await effective(cast("Connection", pooled))
                    assert {name: found[name] for name in CONTRARY} == {**PINNED, "search_path": search_path(role)}
                    await pooled.execute("set synchronous_commit = off")
            await pool.close()


async def test_programs_of_the_server_get_the_same_settings(
    database_settings: ServiceSettings, connection: Connection
) -> None:
    await make_contrary(connection)
    client = client_for(connection.get_server_version().major, connection_variables(database_settings.database))
    for name, value in {**PINNED, "search_path": search_path(None)}.items():
        assert client.run("psql", "-XAtc", f"show {name}").strip() == value


def test_server_that_is_not_durable_gets_a_warning() -> None:
    assert durability_warnings(SAFE) == []
    for name in ("fsync", "full_page_writes"):
        (warning,) = durability_warnings({**SAFE, name: "off"})
        assert f"alter system set {name} = on" in warning


def test_settings_that_a_pooler_dropped_are_named() -> None:
    assert lost_settings(SAFE, Role.SHOTS, "club") == []
    for name in {*PINNED, *LIMITS, "search_path", "role"}:
        assert lost_settings({**SAFE, name: "another"}, Role.SHOTS, "club") == [name]


async def test_connections_of_every_role_have_their_settings(database_settings: ServiceSettings) -> None:
    async with open_database(database_settings, application="test") as owner:
        for role in (None, *Role):
            database = owner if role is None else owner.acting_as(role)
            connection = await database.connect()
            assert lost_settings(await effective(connection), role, owner.user) == []
            await connection.close()
    login = replace(database_settings, database=replace(database_settings.database, user=Role.PUSH.value))
    async with open_database(login, application="test", role=Role.PUSH) as database:
        connection = await database.connect()
        assert lost_settings(await effective(connection), Role.PUSH, database.user) == []
        await connection.close()


async def test_services_log_once_that_the_server_is_not_durable(
    database_settings: ServiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_database(database_settings, application="test", role=Role.SENSOR) as database:
        for _ in range(2):
            await wait_until_ready(database)
    assert [record.levelname for record in caplog.records if "fsync is off" in record.message] == ["WARNING"]


@pytest.mark.parametrize("dropped", ["synchronous_commit", "search_path", "role", "statement_timeout"])
async def test_services_wait_while_a_pooler_drops_the_settings(
    database_settings: ServiceSettings, connection: Connection, caplog: pytest.LogCaptureFixture, dropped: str
) -> None:
    async with open_database(database_settings, application="test", role=Role.SENSOR) as database:
        del database._server_settings[dropped]  # as a pooler with ignore_startup_parameters does
        await make_contrary(connection)
        stop = asyncio.Event()
        waiting = asyncio.create_task(wait_until_ready(database, stop=stop))
        await eventually(lambda: f"lost the settings {dropped}" in caplog.text)
        stop.set()
        await waiting
    assert issubclass(SettingsLost, OSError), "a fault of the database, which is awaited"


@pytest.fixture
async def careless_server(short_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of its own that answers before a commit is on the disk, and writes it there as late as it can."""
    base = short_path / "pg"
    copy_fresh_cluster(base)
    with (base / "data" / "postgresql.conf").open("a") as file:
        file.write("synchronous_commit = off\nwal_writer_delay = 10s\n")
    server = EmbeddedPostgres(base)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.stop)


async def test_stored_reading_survives_a_killed_server(careless_server: EmbeddedPostgres) -> None:
    settings = ServiceSettings(database=DatabaseSettings(user=USER, socket_dir=careless_server.socket_dir))
    async with open_database(settings, application="test") as database:
        connection = await database.connect()
        await migrate(connection, CHANNEL)
        await connection.close()
        device = Device("bow-1", DeviceKind.BOW, "bow.link", 1, 1.0)
        connection = await database.acting_as(Role.SENSOR).connect()
        store = SensorStore(connection, device)
        await store.register()
        for seq in range(1, 47):
            await store.write([reading(seq)], None)
        await kill_server(careless_server)
        connection.terminate()
        await asyncio.to_thread(careless_server.start)
        await wait_until_ready(database)  # a connection that a dying process of the old server still accepted is reset
        connection = await database.connect()
        assert await connection.fetchval("select count(*) from readings") == 46
        await connection.close()


async def kill_server(server: EmbeddedPostgres) -> None:
    """Kill the postmaster and all its children at the same instant."""
    postmaster = int((server.base_dir / "data" / "postmaster.pid").read_text().split()[0])
    children = [int(pid) for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()]
    for pid in (postmaster, *children):
        os.kill(pid, signal.SIGSTOP)
    for pid in (postmaster, *children):
        os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in (postmaster, *children)))
