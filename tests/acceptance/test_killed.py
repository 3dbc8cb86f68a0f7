"""Killed in the middle, started again: still exactly the truth, and nobody who watches misses anything."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.simulated_range import differences, simulated_range, stored_shots, truth


@pytest.mark.parametrize("name", ["archstats-shots", "archstats-push"])
async def test_a_killed_module_costs_nothing(short_path: Path, name: str) -> None:
    async with simulated_range(short_path, "--seed", "5", "--speed", "20", "--shots", "12") as running:
        for after in (2, 6):
            await running.until_shots(after)
            before = running.child(name)
            os.kill(before, signal.SIGKILL)
            async with asyncio.timeout(20):
                while not [pid for pid in [running_child(running, name)] if pid not in (None, before)]:
                    await running.next_line()
        assert await running.to_the_end() == 0
        assert differences(await stored_shots(short_path), await truth(running)) == []


def running_child(running: object, name: str) -> int | None:
    """The child's process id, None while there is none."""
    try:
        return running.child(name)  # type: ignore[attr-defined, no-any-return]
    except AssertionError:
        return None
