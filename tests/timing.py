"""Time limits of tests: exact with ``--long``, longer where several workers share the machine."""

from __future__ import annotations

import pytest

BUSY_MACHINE_FACTOR = 5.0
"""Factor by which a limit grows on a busy machine. A wait that hangs takes longer still."""


def limit_s(config: pytest.Config, exact_s: float) -> float:
    """Time limit of a test in seconds: ``exact_s`` with ``--long``, otherwise a multiple of it."""
    return exact_s if config.getoption("--long") else BUSY_MACHINE_FACTOR * exact_s
