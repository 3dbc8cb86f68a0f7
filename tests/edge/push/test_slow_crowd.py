"""Two hundred WebSocket clients read slowly and leave, while the API answers and no database connection is theirs."""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic

import pytest

from edge.common.postgres.connection import Connection
from edge.push.http.read_pool import MAX_CONNECTIONS
from tests.edge.lane_rows import LaneRows
from tests.edge.push.crowd import WEBSOCKET, open_streams
from tests.edge.push.serving import WITHIN_S, Service, http
from tests.edge.shot_rows import add_shot
from tests.eventually import eventually
from tests.timing import limit_s

CLIENTS = 200
SHOTS = 5
OWN_CONNECTIONS = 2
"""Connections of the service beside those of its pool: the listener and the reader of the feed."""
ROLE = "select count(*) from pg_stat_activity where application_name = 'push-test' and datname = current_database()"
PATHS = ("/healthz", "/api/v0/live", "/api/v0/lanes", "/api/v0/shot", "/metrics")
ANSWERED_WITHIN_S = 1.0


async def test_200_slow_clients_come_and_go_beside_the_api(
    service: Service, lane: LaneRows, connection: Connection, pytestconfig: pytest.Config
) -> None:
    before = await connection.fetchval(ROLE)
    assert 0 < before <= OWN_CONNECTIONS + MAX_CONNECTIONS
    clients, refused = await open_streams(service.port, [WEBSOCKET] * CLIENTS)
    assert (len(clients), refused) == (CLIENTS, [])
    await eventually(lambda: service.hub.clients == CLIENTS, WITHIN_S)

    statuses: Counter[int] = Counter()
    slowest_s, most_connections = 0.0, 0
    read: list[int] = []

    async def read_slowly(number: int) -> None:
        """Take a few bytes at a time until half of the events have come, and leave without a word."""
        client, taken = clients[number], b""
        while taken.count(b"shot.created") < SHOTS // 2:
            taken += await client.reader.read(64)
            await asyncio.sleep(0)
        read.append(number)
        client.close()

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as tasks, http(service) as api:
        for number in range(CLIENTS):
            tasks.create_task(read_slowly(number))
        for _ in range(SHOTS):
            await add_shot(lane)
            for path in PATHS:
                began = monotonic()
                statuses[(await api.get(path)).status_code] += 1
                slowest_s = max(slowest_s, monotonic() - began)
            most_connections = max(most_connections, await connection.fetchval(ROLE))
    assert statuses == {200: SHOTS * len(PATHS)}
    assert slowest_s < limit_s(pytestconfig, ANSWERED_WITHIN_S)
    assert most_connections <= OWN_CONNECTIONS + MAX_CONNECTIONS, "no connection is a client's"
    assert sorted(read) == list(range(CLIENTS))
    await eventually(lambda: service.hub.clients == 0, WITHIN_S)
    assert service.hub.counters.clients_slow == 0, "a client that reads a little keeps its stream"
    async with http(service) as api:
        assert (await api.get("/healthz")).json()["status"] == "ok"
        assert len((await api.get("/api/v0/shot")).json()["data"]) == SHOTS
