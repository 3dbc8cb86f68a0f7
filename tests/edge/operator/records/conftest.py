"""A connection with the rights of the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role


@pytest.fixture
async def api(database: Database) -> AsyncIterator[Connection]:
    """A connection under the role of the changes that the HTTP API makes."""
    connection = await database.acting_as(Role.API).connect()
    yield connection
    await connection.close()
