"""Errors that every client may read: no path, no name of a role or database, no SQL, whatever is wrong with the database."""

from __future__ import annotations

import json
import re

import asyncpg
import httpx
import pytest
from pytest_mock import MockerFixture

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import RoleRefused
from edge.push.http.public_errors import public_cause
from edge.push.http.read_pool import ReadPool
from tests.edge.push.crowd import answer
from tests.edge.push.serving import Service, http, serving
from tests.eventually import eventually
from tests.proxy import database_proxy, settings_through

FROM_ELSEWHERE = {"x-forwarded-for": "192.0.2.9"}
"""A request that a proxy passed on, so that it is none of this machine's programs."""
LEAKS = re.compile(
    r"archstats_|asyncpg|psql|PGSQL|Traceback|\.py\b|/(tmp|run|etc|home|dev|var)/|\bselect\b|\bfrom\b [a-z_]+s\b|relation|column",
    re.IGNORECASE,
)


def check_hidden(text: str, settings: ServiceSettings) -> None:
    """Fail when a text holds something of the hub's inside."""
    database = settings.database
    hidden = [str(database.socket_dir), database.db, f'"{database.user}"', "Errno"]
    assert [word for word in hidden if word in text] == [], text
    assert LEAKS.findall(text) == [], text


async def reading_paths(client: httpx.AsyncClient) -> list[str]:
    """The paths that read, without those that need an id and without the endless ones."""
    document = (await client.get("/api/openapi.json")).json()
    return [
        path
        for path, methods in document["paths"].items()
        if "get" in methods and "{" not in path and not path.endswith(("/events", "/ws/shot"))
    ]


async def faults(client: httpx.AsyncClient, settings: ServiceSettings) -> set[int]:
    """Request every path; returns the statuses, after a check of each answer."""
    found = set()
    for path in [
        *await reading_paths(client),
        "/healthz",
        "/metrics",
        "/api/v0/shot/00000000-0000-4000-8000-000000000000",
    ]:
        answered = await client.get(path, headers=FROM_ELSEWHERE)
        if path != "/metrics":
            check_hidden(answered.text, settings)
        found.add(answered.status_code)
    return found


async def test_a_database_that_is_away_gives_nothing_away(database_settings: ServiceSettings) -> None:
    async with database_proxy(database_settings) as proxy:
        settings = settings_through(proxy, database_settings)
        async with serving(settings) as service, http(service) as client:
            await service.until_live()
            await proxy.refuse()
            await eventually(lambda: not service.hub.connected)
            assert 503 in await faults(client, settings)
            near = (await client.get("/healthz")).json()["checks"]["database"]
            far = (await client.get("/healthz", headers=FROM_ELSEWHERE)).json()["checks"]["database"]
            assert near["error"] != far["error"] == "the connection to it failed"
            answered = (await client.get("/api/v0/session")).json()["errors"][0]
            assert (answered["code"], "(the connection to it failed)" in answered["message"]) == ("database_away", True)


@pytest.mark.parametrize(
    "broken",
    [
        "alter table sessions rename column location to place",
        "alter table shots rename to others",
        "revoke select on sessions, shots, devices from archstats_push",
        "revoke usage on schema public from public, archstats_push",
    ],
)
async def test_a_wrong_schema_or_role_gives_nothing_away(
    service: Service, connection: Connection, broken: str, database_settings: ServiceSettings
) -> None:
    await connection.execute(broken)
    async with http(service) as client:
        assert 503 in await faults(client, database_settings)


async def test_a_defect_gives_nothing_away(
    service: Service, database_settings: ServiceSettings, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    mocker.patch.object(
        ReadPool, "connection", side_effect=RuntimeError("select secret from /etc/shadow as archstats_api")
    )
    status, body = await answer(service.port, b"GET /api/v0/session/open HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert status == 500
    check_hidden(body.decode(), database_settings)
    assert json.loads(body)["errors"][0]["code"] == "internal_error"
    assert "/etc/shadow" in caplog.text


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (TimeoutError(), "it takes too long"),
        (ConnectionRefusedError(111, "refused", "/run/x"), "the connection to it failed"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), "it is starting or stopping"),
        (asyncpg.TooManyConnectionsError("sorry"), "it has no free connection"),
        (asyncpg.InvalidPasswordError('password of "x"'), "it does not let this service in"),
        (asyncpg.InvalidCatalogNameError('database "x"'), "it does not let this service in"),
        (RoleRefused("no", hint="grant x"), "it does not let this service in"),
        (asyncpg.AdminShutdownError("by x"), "it ended the connection"),
        (asyncpg.InterfaceError("closed"), "the connection to it failed"),
        (ValueError("x"), "it cannot be used now"),
    ],
)
def test_every_fault_has_words_of_its_own(fault: Exception, expected: str) -> None:
    assert public_cause(fault) == expected
