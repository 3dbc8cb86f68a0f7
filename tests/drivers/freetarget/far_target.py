"""A simulated target at the far end of a terminal, in the test's own process."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Self

from drivers.contract import Report
from drivers.freetarget.codec import Dialect
from drivers.freetarget.driver import FreeTarget, FreeTargetSettings
from simulators.devices.freetarget import FreeTargetNode, Impact
from simulators.world.draws import Draws
from tests.drivers.serial_lines import FarEnd


class FarTarget:
    """Answers the driver while its block runs."""

    def __init__(self, far: FarEnd, dialect: Dialect = Dialect.V4) -> None:
        self.node = FreeTargetNode(dialect, Draws("far target"), _now_us(), printing_us=0)
        self.received = b""
        self.answers = True
        self._far = far

    def sense(self, x_mm: float, y_mm: float) -> None:
        """An arrow lands."""
        now_us = _now_us()
        self.node.sense(Impact(x_mm, y_mm), now_us)
        asyncio.get_running_loop().call_later(0.07, self._poll)

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._far.master, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._far.master)

    def _read(self) -> None:
        data = os.read(self._far.master, 4096)
        self.received += data
        if self.answers:
            self._send(self.node.receive(data, _now_us()))

    def _poll(self) -> None:
        self._send(self.node.poll(_now_us()))

    def _send(self, frames: list[bytes]) -> None:
        for frame in frames:
            self._far.send(frame)


class Reader:
    """Reads a driver in the background."""

    def __init__(self, driver: FreeTarget) -> None:
        self.reports: list[Report] = []
        self.task = asyncio.create_task(self._read(driver))

    async def _read(self, driver: FreeTarget) -> None:
        async with aclosing(driver.readings()) as reports:  # type: ignore[type-var]
            async for report in reports:
                self.reports.append(report)


def new_driver(far: FarEnd) -> FreeTarget:
    """A driver of the target at the far end."""
    return FreeTarget("target-1", FreeTargetSettings(port=str(far.path)))


@asynccontextmanager
async def reading(driver: FreeTarget) -> AsyncIterator[Reader]:
    """The open driver, read while the block runs."""
    await driver.open()
    reader = Reader(driver)
    try:
        yield reader
    finally:
        reader.task.cancel()
        await asyncio.wait((reader.task,))
        await driver.close()


def _now_us() -> int:
    return time.monotonic_ns() // 1000
