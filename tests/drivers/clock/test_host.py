"""The pairing of the host's two clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from drivers.clock.host import host_boot_id, host_now


def test_both_clocks_show_the_same_instant() -> None:
    before = time.monotonic_ns()
    wall_before = datetime.now(UTC)
    instant = host_now()
    assert instant.mono_ns is not None
    assert before <= instant.mono_ns <= time.monotonic_ns()
    assert wall_before - timedelta(microseconds=1) <= instant.at <= datetime.now(UTC)
    assert instant.at.utcoffset() == timedelta(0)


def test_the_boot_id_is_constant() -> None:
    assert host_now().host_boot_id == host_now().host_boot_id == host_boot_id()
