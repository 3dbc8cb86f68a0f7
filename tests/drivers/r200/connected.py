"""The driver at its simulated reader, read in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.contract import Command, CommandResult, Progress, Reading, Report
from drivers.r200.driver import ArrowReader
from drivers.r200.settings import R200Settings, RegionName
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.devices.gen2_tag import Gen2Tag
from simulators.hosttime import HostTime
from simulators.stand import served
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan
from tests.eventually import eventually

DEVICE = "arrow-1"
UUID = "123456789abc4def8123456789abcdef"


@dataclass
class Connected:
    """An open driver and its simulated device."""

    driver: ArrowReader
    device: Scanner
    host: HostTime
    reports: list[Report] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)

    def place(self, *tags: str) -> list[Gen2Tag]:
        """Place exactly these tags on the pad."""
        self.device.place(tags, (), self.host.now_us())
        return [one.tag for one in self.device.pad.tags]

    async def run(self, name: str, **arguments: float | str | bool) -> CommandResult:
        """Run a command."""
        return await self.driver.execute(Command(name, arguments), self.progress.append)

    async def program(self, *, lock: bool = False) -> CommandResult:
        """Inspect the tag on the pad, and program it."""
        found = await self.run("inspect_tag", wait_s=2.0)
        assert found.ok, found
        return await self.run(
            "program_arrow", epc=UUID, tid=found.values["tid"], memory=found.values["memory"], lock=lock
        )

    async def scanned(self, epc: str) -> Reading:
        """Wait for the scan of a tag."""

        def found() -> list[Reading]:
            return [report for report in self.reports if isinstance(report, Reading) and report.tag == epc]

        await eventually(lambda: bool(found()))
        return found()[0]


def settings(port: Path, *, poll_ms: int = 50, debounce_s: float = 2.0) -> R200Settings:
    """Settings of the driver at a port."""
    return R200Settings(port=str(port), region=RegionName.EU, poll_ms=poll_ms, debounce_s=debounce_s)


@asynccontextmanager
async def connected(
    folder: Path, variant: str = "desk", *, faults: FaultPlan = NO_FAULTS, seed: int = 3
) -> AsyncIterator[Connected]:
    """An open driver, read in the background while the block runs."""
    port = folder / DEVICE
    async with served(DeviceSpec(DEVICE, "arrow.r200", 1, variant), port, faults=faults, seed=seed) as device:
        assert isinstance(device, Scanner)
        driver = ArrowReader(DEVICE, settings(port))
        there = Connected(driver, device, HostTime.anchor())

        async def read() -> None:
            async with aclosing(driver.readings()) as reports:  # type: ignore[type-var]
                async for report in reports:
                    there.reports.append(report)

        await driver.open()
        reading = asyncio.create_task(read())
        try:
            yield there
        finally:
            reading.cancel()
            await asyncio.wait((reading,))
            await driver.close()
