"""Where the technician's commands are typed."""

from __future__ import annotations

import pytest

from edge.common.config.settings import ServiceSettings
from tests.edge.cli.judged_lane import Bench


@pytest.fixture
def empty_bench(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Bench:
    """Commands on a database without any session."""
    database = database_settings.database
    monkeypatch.setenv("POSTGRES_USER", database.user)
    monkeypatch.setenv("POSTGRES_DB", database.db)
    monkeypatch.setenv("POSTGRES_SOCKET_DIR", str(database.socket_dir))
    return Bench(database_settings, capsys)
