"""How long something may take in a test: exactly as promised with ``--long``, and longer where four workers share two cores."""

from __future__ import annotations

import pytest

CROWDED = 5.0
"""How many times as long a moment may take on a machine that does much else. A wait that hangs takes longer still."""


def allowed_s(config: pytest.Config, promised_s: float) -> float:
    """The limit for what is promised to take at most ``promised_s`` seconds."""
    return promised_s if config.getoption("--long") else CROWDED * promised_s
