"""``db status`` and ``config show`` name the database that is used."""

from __future__ import annotations

import pytest

from tests.edge.cli.command_line import CommandLine


def test_status_and_config_show_name_the_database(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    own = command_line.settings.database
    assert f"where  {own.socket_dir}, port 5432, as {own.user}" in command_line.run("db", "status")
    for name, value in {"DRIVER": "bow.link", "PORT": "/dev/ttyUSB0", "SPOOL_DIR": ""}.items():
        monkeypatch.setenv(f"ARCH_STATS_{name}", value)
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/archstats")
    [shown] = command_line.json("config", "show", "bow-1")
    assert (shown["database.socket_dir"], shown["spool_dir"]) == (str(own.socket_dir), "/var/lib/archstats")
