"""Killed in the middle, started again: still exactly the truth."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.acceptance.simulated_range import SimulatedRange, differences, simulated_range, stored_shots, truth


async def test_a_killed_module_costs_nothing(short_path: Path) -> None:
    async with simulated_range(short_path, "--seed", "5", "--speed", "20", "--shots", "12") as running:
        for after, name in ((2, "archstats-shots"), (5, "archstats-push"), (7, "archstats-shots")):
            await running.until_shots(after)
            before = running.child(name)
            os.kill(before, signal.SIGKILL)
            async with asyncio.timeout(20):
                while child_of(running, name) in (None, before):
                    await asyncio.sleep(0.05)
        assert await running.to_the_end() == 0
        assert differences(await stored_shots(short_path), await truth(running)) == []


def child_of(running: SimulatedRange, name: str) -> int | None:
    """The child's process id, None while there is none."""
    try:
        return running.child(name)
    except AssertionError:
        return None
