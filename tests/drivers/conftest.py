"""Fixtures of the drivers' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.serial_lines import FarEnd


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarEnd]:
    """The far end of a cable that is plugged in."""
    end = FarEnd(tmp_path / "port")
    yield end
    end.hang_up()
