"""The push process: serves without a database, stops at once, waits for its port, reports its health."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from pytest_mock import MockerFixture

from edge.common.config.settings import DatabaseSettings, PushSettings, ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.embedded.cluster import USER, EmbeddedPostgres
from edge.common.postgres.migrate import migrate
from edge.common.postgres.roles import Role
from edge.push.http import server as http_server
from edge.push.service import run_push
from tests.edge.lane_rows import OUTDOORS, LaneRows
from tests.edge.push.serving import WITHIN_S, Service, http, listening, serving
from tests.edge.shot_rows import add_shot
from tests.eventually import eventually
from tests.postgres import copy_fresh_cluster, short_folder
from tests.proxy import database_proxy, settings_through
from tests.timing import limit_s


async def test_stops_within_a_second_with_a_frozen_stream_open(
    service: Service, connection: Connection, pytestconfig: pytest.Config
) -> None:
    async with (
        listening(service) as one,
        listening(service, "?lane=1") as two,
        listening(service, receive_buffer=4096) as frozen,
    ):
        for stream in (one, two, frozen):
            await stream.until("heartbeat")
        await connection.execute(
            "insert into events (type, data) select 'reading.orphan', jsonb_build_object('x', repeat('y', 4000))"
            " from generate_series(1, 400)"
        )
        await asyncio.gather(one.take(400), two.take(400))
        assert await service.stop() < limit_s(pytestconfig, 1.0)
        assert await one.next() is None


async def test_serves_without_a_database_and_connects_later() -> None:
    base = short_folder()
    copy_fresh_cluster(base)
    server = EmbeddedPostgres(base)
    settings = ServiceSettings(database=DatabaseSettings(user=USER, db="postgres", socket_dir=server.socket_dir))
    try:
        async with serving(settings) as service, http(service) as client:
            answer = await client.get("/healthz")
            assert answer.status_code == 503
            assert answer.json()["status"] == "away"
            assert (await client.get("/")).status_code == 200
            away = await client.get("/api/v0/session")
            assert away.status_code == 503
            assert away.json()["errors"][0]["code"] == "database_away"
            async with listening(service) as stream:
                await stream.until_feed_is("away")
                await asyncio.to_thread(server.start)
                async with open_database(settings, application="test") as database:
                    connection = await database.connect()
                    try:
                        await migrate(connection, settings.ws_channel)
                        await stream.until_feed_is("live")
                        lane = LaneRows(connection, OUTDOORS)
                        await lane.build()
                        shot = str(await add_shot(lane))
                        assert (await stream.until("shot.created")).data["id"] == shot
                    finally:
                        connection.terminate()
                    await asyncio.to_thread(server.stop)
                    await stream.until_feed_is("away")
                    assert (await client.get("/healthz")).status_code == 503
                    await asyncio.to_thread(server.start)
                    back = await stream.until_feed_is("live")
                    assert back.id is not None
                    connection = await database.connect()
                    try:
                        lane.connection = connection
                        shot = str(await add_shot(lane))
                        assert (await stream.until("shot.created")).data["id"] == shot
                        assert (await client.get("/api/v0/session")).status_code == 200
                    finally:
                        connection.terminate()
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(base)


async def test_waits_for_a_database_without_schema(empty_database_settings: ServiceSettings) -> None:
    async with serving(empty_database_settings) as service, http(service) as client:
        answer = await client.get("/api/v0/live")
        assert answer.status_code == 503
        assert "db migrate" in answer.json()["errors"][0]["message"]
        async with listening(service, "?since=abc-1-1") as stream:
            await stream.until_feed_is("away")
            async with open_database(empty_database_settings, application="test") as database:
                connection = await database.connect()
                try:
                    await migrate(connection, empty_database_settings.ws_channel)
                finally:
                    connection.terminate()
            assert (await stream.until("gap")).data["reason"] == "unknown_epoch"


async def test_a_frozen_database_is_reported_and_loses_nothing(
    database_settings: ServiceSettings, lane: LaneRows
) -> None:
    async with (
        database_proxy(database_settings) as proxy,
        serving(settings_through(proxy, database_settings)) as service,
    ):
        await service.until_live()
        async with listening(service) as stream, http(service) as client:
            await stream.until_feed_is("live")
            proxy.freeze()
            shot = str(await add_shot(lane))
            await stream.until_feed_is("away")
            assert (await client.get("/healthz")).status_code == 503
            answer = await client.get("/api/v0/live")
            assert answer.json()["errors"][0]["code"] == "database_away"
            proxy.thaw()
            assert [event.data["id"] for event in await stream.take(1)] == [shot]
            await service.until_live()


@pytest.fixture
async def taken_port() -> AsyncIterator[socket.socket]:
    """Return a socket that occupies a port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        yield other


async def test_waits_for_a_port_in_use_and_logs_it_once(
    database_settings: ServiceSettings,
    taken_port: socket.socket,
    caplog: pytest.LogCaptureFixture,
    mocker: MockerFixture,
) -> None:
    port = taken_port.getsockname()[1]
    stop = asyncio.Event()
    caplog.set_level(logging.INFO)
    attempts = mocker.spy(http_server, "_open")

    def logged() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "edge.push.http.server"]

    async with (
        open_database(database_settings, application="push-test", role=Role.PUSH) as database,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(run_push(database, PushSettings(server_port=port), stop))
        async with asyncio.timeout(WITHIN_S):
            await eventually(lambda: attempts.call_count >= 4, WITHIN_S)
            (line,) = logged()
            assert str(port) in line
            assert "ARCH_STATS_SERVER_PORT" in line
            taken_port.close()
            while True:
                try:
                    async with httpx.AsyncClient(timeout=WITHIN_S) as client:
                        assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        stop.set()


async def test_stops_while_waiting_for_its_port(
    database_settings: ServiceSettings,
    taken_port: socket.socket,
    caplog: pytest.LogCaptureFixture,
    pytestconfig: pytest.Config,
) -> None:
    stop = asyncio.Event()
    async with (
        open_database(database_settings, application="push-test", role=Role.PUSH) as database,
        asyncio.TaskGroup() as tasks,
    ):
        running = tasks.create_task(run_push(database, PushSettings(server_port=taken_port.getsockname()[1]), stop))
        await eventually(lambda: "ARCH_STATS_SERVER_PORT" in caplog.text, WITHIN_S)
        stop.set()
        async with asyncio.timeout(limit_s(pytestconfig, 1.0)):
            await running
    assert running.done()
    assert not running.cancelled()


async def test_health_names_the_session_that_holds_the_feed_back(
    service: Service, lane: LaneRows, database_settings: ServiceSettings
) -> None:
    async with open_database(database_settings, application="idle-in-transaction") as database:
        holder = await database.connect()
        try:
            await holder.execute("begin; insert into end_marks (session_id, who) select id, 'x' from sessions")
            await add_shot(lane)
            async with asyncio.timeout(WITHIN_S), http(service) as client:
                while (health := (await client.get("/healthz")).json())["status"] == "ok":
                    await asyncio.sleep(0.1)
            held = health["checks"]["feed"]["held_back"]
            assert health["status"] == "degraded"
            assert (held["pid"], held["application"]) == (holder.get_server_pid(), "idle-in-transaction")
            assert held["for_s"] >= 2
        finally:
            holder.terminate()


async def test_metrics_count_clients_and_events(service: Service, lane: LaneRows) -> None:
    async with listening(service) as stream, http(service) as client:
        await add_shot(lane)
        await stream.take(1)
        lines = (await client.get("/metrics")).text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["archstats_push_clients"] == "1.0"
    assert values["archstats_push_feed_up"] == "1.0"
    assert float(values["archstats_push_events_total"]) >= 1
