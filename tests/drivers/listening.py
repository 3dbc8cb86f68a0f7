"""Drivers that run in the background while a test scripts their device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from drivers.contract import (
    ClockModel,
    Report,
)
from drivers.link.codec import (
    Frame,
)
from drivers.link.driver import BowLink, LinkDriver, LinkSettings
from tests.drivers.link.fake_node import ScriptedNode
from tests.drivers.serial_lines import FarEnd
from tests.eventually import eventually

TAG = "123456789abc4def8123456789abcdef"
"""Tag of the arrow in these tests."""
R = TypeVar("R", bound=Report)


class Listener:
    """Reads a driver in the background and waits for its reports."""

    def __init__(self, driver: LinkDriver) -> None:
        self.reports: list[Report] = []
        self._driver = driver
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async with aclosing(self._driver.readings()) as reports:  # type: ignore[type-var]
            async for report in reports:
                self.reports.append(report)
                self._news.set()

    async def next(self, kind: type[R], timeout_s: float = 20.0) -> R:
        """Remove and return the next report of a kind."""
        async with asyncio.timeout(timeout_s):
            while True:
                for index, report in enumerate(self.reports):
                    if isinstance(report, kind):
                        return self.reports.pop(index)  # type: ignore[return-value]  # it was just looked at
                self._news.clear()
                waiting = asyncio.create_task(self._news.wait())
                await asyncio.wait((waiting, self.task), return_when=asyncio.FIRST_COMPLETED)
                if self.task.done():
                    waiting.cancel()
                    self.task.result()
                    raise AssertionError("the readings ended without an error")


@asynccontextmanager
async def listening(driver: LinkDriver) -> AsyncIterator[Listener]:
    listener = Listener(driver)
    try:
        yield listener
    finally:
        listener.task.cancel()
        await asyncio.wait((listener.task,))
        await driver.close()


def bow(far: FarEnd, *, node: int | None = None, clocks: tuple[ClockModel, ...] = ()) -> BowLink:
    return BowLink("bow-1", LinkSettings(port=str(far.path), node=node), clocks=clocks)


async def heard(node: ScriptedNode, kind: type, count: int = 1, timeout_s: float = 20.0) -> list[Frame]:
    """Wait until the node has received ``count`` frames of a kind, and return them."""

    def found() -> list[Frame]:
        return [frame for frame in node.received if isinstance(frame.message, kind)]

    await eventually(lambda: len(found()) >= count, timeout_s)
    return found()
