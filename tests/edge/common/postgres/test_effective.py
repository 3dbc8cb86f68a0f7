"""Effective settings show which database is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.common.config.settings import DatabaseSettings
from edge.common.postgres.effective import effective_settings


def test_unset_settings_show_their_effective_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/home/range/.state")  # a longer path has its socket elsewhere
    own = effective_settings(DatabaseSettings())
    folder = Path("/home/range/.state/archstats/postgres")
    assert (own["embedded"], own["database_dir"], own["host"]) == (True, str(folder), None)
    assert own["socket_dir"] == str(folder / "run")
    named = effective_settings(DatabaseSettings(host="db.club.example", socket_dir=tmp_path, password="secret"))
    assert (named["embedded"], named["socket_dir"], named["host"]) == (False, str(tmp_path), "db.club.example")
    assert named["database_dir"] is None
    assert "secret" not in str(named)
    assert effective_settings(DatabaseSettings(db="range", port=1))["host"] == "localhost", (
        "localhost is tried when there is no socket"
    )
