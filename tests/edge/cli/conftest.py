"""The technician's command line on a test database."""

from __future__ import annotations

import functools

import pytest
import typer

from edge.cli import lazy
from edge.common.config.settings import ServiceSettings
from tests.edge.cli.command_line import CommandLine

BUILT_ONCE = functools.cache(typer.main.get_command)
"""The commands, which typer builds anew for each run in 15 ms."""


@pytest.fixture
def command_line(
    database_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """Commands on a database without any session."""
    monkeypatch.setattr(typer.main, "get_command", BUILT_ONCE)
    monkeypatch.setattr(lazy, "get_command", BUILT_ONCE)
    database = database_settings.database
    monkeypatch.setenv("POSTGRES_USER", database.user)
    monkeypatch.setenv("POSTGRES_DB", database.db)
    monkeypatch.setenv("POSTGRES_SOCKET_DIR", str(database.socket_dir))
    return CommandLine(database_settings, capsys)
