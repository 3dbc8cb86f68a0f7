"""The technician's command line on a test database."""

from __future__ import annotations

import pytest

from edge.common.config.settings import ServiceSettings
from tests.edge.cli.command_line import CommandLine


@pytest.fixture
def command_line(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Commands on a database without any session."""
    database = database_settings.database
    monkeypatch.setenv("POSTGRES_USER", database.user)
    monkeypatch.setenv("POSTGRES_DB", database.db)
    monkeypatch.setenv("POSTGRES_SOCKET_DIR", str(database.socket_dir))
    return CommandLine(database_settings, capsys)
