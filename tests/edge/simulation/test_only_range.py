"""A second simulated range does not take over the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.simulation.only_range import only_range


def test_the_second_is_refused_and_touches_nothing_of_the_first(tmp_path: Path) -> None:
    with only_range(tmp_path / "logs"):
        log = tmp_path / "logs" / "bow-1.log"
        log.touch()
        with pytest.raises(CommandError, match=f"process {os.getpid()};") as told, only_range(tmp_path / "logs"):
            pass
        assert f"kill {os.getpid()}" in told.value.hint
        assert log.exists()
    with only_range(tmp_path / "logs"):
        assert not log.exists(), "of an earlier range"
