"""Somebody who looks at the wrong database can see that it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from edge.common.config.settings import DatabaseSettings
from edge.common.postgres.effective import effective_settings
from tests.edge.cli.command_line import CommandLine


def test_what_nobody_set_is_told_as_what_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/home/range/.state")  # a longer one has its socket elsewhere
    own = effective_settings(DatabaseSettings())
    folder = Path("/home/range/.state/archstats/postgres")
    assert (own["embedded"], own["database_dir"], own["host"]) == (True, str(folder), None)
    assert own["socket_dir"] == str(folder / "run")
    named = effective_settings(
        DatabaseSettings(host="db.club.example", socket_dir=tmp_path, password=SecretStr("secret"))
    )
    assert (named["embedded"], named["socket_dir"], named["host"]) == (False, str(tmp_path), "db.club.example")
    assert named["database_dir"] is None
    assert "secret" not in str(named)
    assert effective_settings(DatabaseSettings(db="range", port=1))["host"] == "localhost", (
        "which is tried when no socket is there"
    )


def test_status_and_config_show_name_the_database(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    own = command_line.settings.database
    assert f"where  {own.socket_dir}, port 5432, as {own.user}" in command_line.run("db", "status")
    for name, value in {"DRIVER": "bow.link", "PORT": "/dev/ttyUSB0", "SPOOL_DIR": ""}.items():
        monkeypatch.setenv(f"ARCH_STATS_{name}", value)
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/archstats")
    [shown] = command_line.json("config", "show", "bow-1")
    assert (shown["database.socket_dir"], shown["spool_dir"]) == (str(own.socket_dir), "/var/lib/archstats")
