"""Fixtures of the push tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from tests.edge.push.range_rows import LaneRows
from tests.edge.push.serving import Service, serving


@pytest.fixture
async def connection(database_settings: ServiceSettings) -> AsyncIterator[Connection]:
    """Return a connection to the test's database."""
    async with open_database(database_settings, application="test") as database:
        made = await database.connect()
        try:
            yield made
        finally:
            made.terminate()


@pytest.fixture
async def lane(connection: Connection) -> LaneRows:
    """Return lane 1 with devices and an open session."""
    made = LaneRows(connection)
    await made.add_devices()
    await made.open_session()
    return made


@pytest.fixture
def furnished(request: pytest.FixtureRequest, database_settings: ServiceSettings) -> ServiceSettings:
    """Return the settings of the test's database, once its lane is set up if the test uses one.

    A service that reads the feed earlier would also send the events of the set-up.
    """
    if "lane" in request.fixturenames:
        request.getfixturevalue("lane")
    return database_settings


@pytest.fixture
async def service(furnished: ServiceSettings) -> AsyncIterator[Service]:
    """Return a push service that reads the feed."""
    async with serving(furnished) as made:
        await made.until_live()
        yield made
