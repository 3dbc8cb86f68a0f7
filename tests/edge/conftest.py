"""Fixtures of the hub's tests: one lane in the test's database."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from edge.common.postgres.connection import Connection
from tests.edge.lane_rows import LaneRows, SessionSetup, build_lane, started_ago


@pytest.fixture
def _new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's time zone is that of New York."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def session_setup() -> SessionSetup:
    """The session of ``lane``: it started a minute ago."""
    return started_ago(60.0)


@pytest.fixture
async def lane(connection: Connection, session_setup: SessionSetup) -> LaneRows:
    """Lane 1 with its devices and the open session of ``session_setup``."""
    return await build_lane(connection, session_setup)
