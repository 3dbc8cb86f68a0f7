"""Fixtures of the hub's tests: a database, a connection to it, and one lane in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, open_database
from tests.edge.lane_rows import LaneRows, SessionSetup, build_lane, started_ago


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    """The test's database."""
    async with open_database(database_settings, application="test") as opened:
        yield opened


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """A connection to the test's database."""
    opened = await database.connect()
    try:
        yield opened
    finally:
        opened.terminate()


@pytest.fixture
def session_setup() -> SessionSetup:
    """The session of ``lane``: it started a minute ago."""
    return started_ago(60.0)


@pytest.fixture
async def lane(connection: Connection, session_setup: SessionSetup) -> LaneRows:
    """Lane 1 with its devices and the open session of ``session_setup``."""
    return await build_lane(connection, session_setup)
