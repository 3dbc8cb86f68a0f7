"""The driver contract as a test suite; see docs/writing-a-driver.md."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("drivers.contract_suite")

from drivers.contract_suite import (  # noqa: E402  (after the registration, or its asserts show no values)
    WITHIN_S,
    Connection,
    DriverContract,
    at_least,
    later_by,
    opened,
    read_until,
    readings_in,
)

__all__ = [
    "WITHIN_S",
    "Connection",
    "DriverContract",
    "at_least",
    "later_by",
    "opened",
    "read_until",
    "readings_in",
]
