"""Fixtures of the push tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from tests.edge.push.range_rows import Floor
from tests.edge.push.serving import Service, serving


@pytest.fixture
async def connection(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    """A connection to the test's database."""
    async with open_database(database_settings, application="test") as database:
        made = await database.connect()
        try:
            yield made
        finally:
            made.terminate()


@pytest.fixture
async def floor(connection: Connection) -> Floor:
    """Lane 1 with devices and an open session."""
    made = Floor(connection)
    await made.add_devices()
    await made.open_session()
    return made


@pytest.fixture
def furnished(request: pytest.FixtureRequest, database_settings: ServiceSettings) -> ServiceSettings:
    """The test's database with its floor, if it has one.

    A service that hears the feed earlier tells of the floor, now and then, in place of what a test waits for.
    """
    if "floor" in request.fixturenames:
        request.getfixturevalue("floor")
    return database_settings


@pytest.fixture
async def service(furnished: ServiceSettings) -> AsyncIterator[Service]:
    """A push service that hears the feed."""
    async with serving(furnished) as made:
        await made.until_live()
        yield made
