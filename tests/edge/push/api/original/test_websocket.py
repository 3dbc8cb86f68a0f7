"""Cases W01 to W08 of the original, with the messages of this API."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
from pytest_mock import MockerFixture

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from tests.edge.lane_rows import LaneRows
from tests.edge.push.api.original.answers import data_of
from tests.edge.push.api.original.shooting import Landing, archer_on
from tests.edge.push.serving import WITHIN_S, Service, listening_by_websocket, serving
from tests.edge.shot_rows import add_shot
from tests.edge.shots.running import assembler, until
from tests.eventually import eventually

ORIGINAL = {
    "id", "arrow_id", "session_id", "arrow_engage_time", "arrow_disengage_time", "arrow_landing_time", "x", "y",
}  # fmt: skip
CLIENTS = 11
"""One more than the connections to the database that the original had."""


async def test_w01_w02_a_shot_is_an_event_with_its_row(service: Service, lane: LaneRows) -> None:
    async with listening_by_websocket(service) as stream:
        await stream.until("heartbeat")
        hit = await add_shot(lane, x=61.3)
        miss = await add_shot(lane, None, None, 0, result="miss")
        first, second = await stream.take(2)
    for event in (first, second):
        assert set(event.envelope) == {"id", "type", "ts", "request_id", "data"}
        assert event.type == "shot.created"
        assert set(event.data) > ORIGINAL
    assert (first.data["id"], first.data["x"], first.data["points"]) == (str(hit), 61.3, 10)
    assert first.data["arrow_landing_time"].endswith("+00:00")
    assert second.data["id"] == str(miss)
    assert [second.data[name] for name in ("arrow_landing_time", "x", "y")] == [None] * 3


async def test_w03_shots_of_one_transaction_keep_their_order(
    service: Service, lane: LaneRows, connection: Connection
) -> None:
    async with listening_by_websocket(service) as stream:
        await stream.until("heartbeat")
        async with connection.transaction():
            made = [str(await add_shot(lane)) for _ in range(20)]
        assert [event.data["id"] for event in await stream.take(20)] == made


async def test_w04_a_foreign_notification_is_no_event(service: Service, lane: LaneRows, connection: Connection) -> None:
    async with listening_by_websocket(service) as stream:
        await stream.until("heartbeat")
        for payload in ("not json", "", '{"id": 1}'):
            await connection.execute("select pg_notify((select channel from installation), $1)", payload)
        made = await add_shot(lane)
        (event,) = await stream.take(1)
    assert event.data["id"] == str(made)


async def test_w05_a_deleted_shot_is_an_event(
    service: Service, client: httpx.AsyncClient, connection: Connection, database: Database
) -> None:
    archer = await archer_on(connection)
    await archer.shoot(Landing(), "W05")
    await archer.step_back()
    async with assembler(database), listening_by_websocket(service) as stream:
        await until(archer.lane, "exists (select from shots where result = 'hit')")
        (shot,) = data_of(await client.get("/shot"))
        assert (await client.delete(f"/shot/{shot['id']}?reason=fell")).status_code == 204
        event = await stream.until("shot.voided")
    assert (event.data["id"], event.data["void_reason"]) == (shot["id"], "fell")


async def test_w06_w07_heartbeats_and_no_messages_of_clients(
    database_settings: ServiceSettings, mocker: MockerFixture
) -> None:
    mocker.patch("edge.push.service.HEARTBEAT_S", 0.2)
    async with (
        serving(database_settings) as service,
        listening_by_websocket(service) as stream,
        asyncio.timeout(WITHIN_S),
    ):
        beats = [await stream.until("heartbeat") for _ in range(3)]
        assert beats[-1].data == {"feed": "live", "interval_s": 30.0}
        assert stream.connection is not None
        await stream.connection.send("hello")
        while await stream.next(heartbeats=True) is not None:
            pass
        assert stream.close_code == 1008


async def test_w08_clients_hold_no_connection_to_the_database(
    service: Service, client: httpx.AsyncClient, lane: LaneRows, connection: Connection
) -> None:
    async def connections() -> int:
        found: int = await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        return found

    assert len(data_of(await client.get("/session"))) == 1
    before = await connections()
    async with AsyncExitStack() as clients:
        streams = [await clients.enter_async_context(listening_by_websocket(service)) for _ in range(CLIENTS)]
        for stream in streams:
            await stream.until("heartbeat")
        assert await connections() == before
        assert len(data_of(await client.get("/session"))) == 1
        made = await add_shot(lane)
        for stream in streams:
            (event,) = await stream.take(1)
            assert event.data["id"] == str(made)
    await eventually(lambda: not service.hub.clients, WITHIN_S)
    assert len(data_of(await client.get("/session"))) == 1
    assert await connections() == before
