"""Wait for something that announces itself to nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_EVERY_S = 0.01


async def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Return as soon as ``condition`` holds; raise TimeoutError when it does not within ``within_s``."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(LOOK_EVERY_S)


def eventually_blocking(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """The same without an event loop."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come true within {within_s} s")
        time.sleep(LOOK_EVERY_S)
