"""Fixtures of the push tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from edge.common.config.settings import ServiceSettings
from tests.edge.lane_rows import OUTDOORS, SessionSetup
from tests.edge.push.serving import Service, serving


@pytest.fixture
def session_setup() -> SessionSetup:
    """Return the session of ``lane``, with instants that a test can write down."""
    return OUTDOORS


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
