"""Poll for a condition that no event announces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

POLL_INTERVAL_S = 0.01
"""Interval between two looks at a condition."""


async def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Return as soon as ``condition`` holds; raise TimeoutError after ``within_s``."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(POLL_INTERVAL_S)


def eventually_blocking(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Do the same without an event loop."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the condition did not hold within {within_s} s")
        time.sleep(POLL_INTERVAL_S)
