"""The pairing of the host's two clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock.host import host_boot_id, host_now, remote_now


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


@pytest.mark.parametrize("read_after_ns", [0, 300_000_000, 1_000_000_000])
async def test_slow_remote_clock_is_off_by_half_of_the_wait(
    monkeypatch: pytest.MonkeyPatch, read_after_ns: int
) -> None:
    """The reading takes one second; the remote clock is read at any instant of it."""
    elapsed_ns = 0
    monkeypatch.setattr(time, "monotonic_ns", lambda: 5_000_000_000 + elapsed_ns)
    start = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)

    async def read_clock() -> datetime:
        nonlocal elapsed_ns
        elapsed_ns = 1_000_000_000
        return start + timedelta(microseconds=read_after_ns // 1000)

    now = await remote_now(read_clock)
    assert now.mono_ns is not None
    assert (now.at, now.host_boot_id) == (start + timedelta(microseconds=read_after_ns // 1000), host_boot_id())
    assert abs(now.mono_ns - (5_000_000_000 + read_after_ns)) <= 500_000_000
