"""Fixtures of the assembler's tests: a database and one stored lane in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from tests.edge.shots.lane_rows import StoredLane, stored_lane


@pytest.fixture
async def database(database_settings: ServiceSettings) -> AsyncIterator[Database]:
    async with open_database(database_settings, application="test-shots") as opened:
        yield opened


@pytest.fixture
async def lane(database: Database) -> AsyncIterator[StoredLane]:
    """A lane whose session began a minute ago."""
    async with stored_lane(database) as built:
        yield built
