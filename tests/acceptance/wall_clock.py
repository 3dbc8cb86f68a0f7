"""A wall clock that can be stepped while processes run, by libfaketime and a file. CLOCK_MONOTONIC is unchanged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PACKAGE = "libfaketime"


def library() -> Path:
    """The library to preload. Without it the test is skipped; in CI it fails."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if found:
        return found[0]
    if os.environ.get("CI") == "true":
        pytest.fail(f"{PACKAGE} is missing: install the package {PACKAGE}")
    pytest.skip(f"{PACKAGE} is missing: install the package {PACKAGE} to step clocks")


class WallClock:
    """The clock of all processes with its :attr:`environment`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(Path(__file__).parent / "true_sleep"),
        }
        self.step(0)

    def step(self, seconds: int) -> None:
        """Set the difference from the true time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self._file)
