"""The driver at its simulated reader, opened again each time it loses the line; and a tag that wanders through the field."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.contract import Command, CommandResult, Progress
from drivers.errors import DriverError
from drivers.r200.driver import ArrowReader
from drivers.r200.programming import Phase
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.devices.gen2_tag import Gen2Tag
from simulators.devices.tag_pad import DefaultTag, InField
from simulators.hosttime import HostTime
from simulators.stand import served
from simulators.wire.fault_plan import FaultPlan
from simulators.world.draws import Draws
from tests.drivers.r200.connected import DEVICE, settings
from tests.eventually import eventually

STEP_US = 150_000
"""Time for which a wandering tag stays in the field, or away from it."""
PRESENCE = 0.4
SHARE = 0.5
"""Share of the commands during which it wanders; in the others it stays away."""
OPENINGS = 20


class Wanderer(InField):
    """A tag that comes and goes once it may."""

    seed = 0
    may_come = False

    def is_present(self, at_us: int) -> bool:
        """Whether it is in the field."""
        return self.may_come and Draws(self.seed, "is present", at_us // STEP_US).uniform() < PRESENCE


@dataclass
class Reopened:
    """A driver that is open, or opened for the next command, and its device."""

    device: Scanner
    port: Path
    wanderer: Wanderer
    lost: int = 0
    """Commands that lost the line."""
    _driver: ArrowReader | None = None
    _reading: asyncio.Task[None] | None = None
    _commands: int = 0
    _wanders: bool = False
    _host: HostTime = field(default_factory=HostTime.anchor)

    def place(self, tag: str) -> Gen2Tag:
        """Place this tag on the pad; the other one wanders."""
        self.device.place([tag], (), self._host.now_us())
        placed = self.device.pad.tags[0]
        self.device.pad.tags = [placed, self.wanderer]
        return placed.tag

    async def run(self, name: str, **arguments: float | str | bool) -> CommandResult | None:
        """Run a command, from whose searches the other tag stays away; None if the line was lost."""
        driver = self._driver or await self._open()
        self._commands += 1
        self._wanders = Draws(self.wanderer.seed, "wanders", self._commands).uniform() < SHARE
        self.wanderer.may_come = False
        try:
            return await driver.execute(Command(name, arguments), self._on_progress)
        except DriverError:
            self.lost += 1
            await self.close()
            return None

    async def close(self) -> None:
        """Close the driver."""
        driver, self._driver = self._driver, None
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))
        if driver is not None:
            await driver.close()

    def _on_progress(self, progress: Progress) -> None:
        self.wanderer.may_come = self._wanders and progress.phase != Phase.SEARCHING

    async def _open(self) -> ArrowReader:
        for _ in range(OPENINGS):
            await eventually(self.port.exists)
            driver = ArrowReader(DEVICE, settings(self.port))
            try:
                await driver.open()
            except DriverError:
                await driver.close()
                continue
            self._driver, self._reading = driver, asyncio.create_task(_read(driver))
            return driver
        raise TimeoutError(f"the reader was not found in {OPENINGS} attempts")


async def _read(driver: ArrowReader) -> None:
    try:
        async with aclosing(driver.readings()) as reports:  # type: ignore[type-var]
            async for _ in reports:
                pass
    except DriverError:
        return  # the next command finds the line lost, too


@asynccontextmanager
async def reopened(folder: Path, variant: str, faults: FaultPlan, seed: int) -> AsyncIterator[Reopened]:
    """The driver at a faulty line while the block runs; the tag of another arrow wanders through the field."""
    port = folder / DEVICE
    async with served(DeviceSpec(DEVICE, "arrow.r200", 1, variant), port, faults=faults, seed=seed) as device:
        assert isinstance(device, Scanner)
        device.place([DefaultTag.PROGRAMMED], (), HostTime.anchor().now_us())
        wanderer = Wanderer(device.pad.tags[0].tag, "wanderer")
        wanderer.seed = seed
        there = Reopened(device, port, wanderer)
        try:
            yield there
        finally:
            await there.close()
