"""An arrow scanner whose driver follows a script: each tag answers from a power of its own on."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import BaseModel

from drivers.contract import (
    Capability,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Progress,
    ReportProgress,
    Source,
    ignore_progress,
)
from edge.sensor.store import Device
from tests.edge.sensor.reports import STREAM
from tests.edge.sensor.scripted_bow import ScriptedBow

SCANNER = Device("arrow-1", DeviceKind.ARROW, "arrow.scripted", 1, 1.0)
PAD = "e2801160600002054e0f1a3b"
FAR = "00112233445566778899aabbccddeeff"


class ScriptedScanner(ScriptedBow):
    """Counts a tag in half of the rounds at its own power, and in all rounds above it."""

    info: ClassVar[DriverInfo] = DriverInfo(
        "arrow.scripted",
        DeviceKind.ARROW,
        "a script",
        Maturity.EXPERIMENTAL,
        frozenset((Capability.CONFIGURE,)),
        frozenset(("read_config", "configure", "measure_reads")),
        1.0,
        BaseModel,
    )

    def __init__(self) -> None:
        super().__init__()
        self.settings = {"power_dbm": 15.0, "region": "eu"}
        self.tags = {PAD: 8, FAR: 12}
        """The power in dBm from which each tag answers."""
        self.powers = range(6, 16)
        """Those that the reader has, in dBm."""
        self.waits_at: int | None = None
        """Power of the measurement that never ends."""

    async def open(self) -> DeviceIdentity:
        await super().open()
        return DeviceIdentity("arrow-1", DeviceKind.ARROW, STREAM, Source.SIMULATOR)

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        if command.name != "measure_reads":
            return await super().execute(command, report)
        self.ran.append(command)
        power, rounds, before = command.arguments["power_dbm"], command.arguments["rounds"], self.settings["power_dbm"]
        assert isinstance(power, float)
        assert isinstance(rounds, int)
        if power not in self.powers:
            return CommandResult(ok=False, values={"refusal": "reader_refused"}, error=f"it has no {power:g} dBm.")
        self.settings["power_dbm"] = power
        report(Progress("counts the reads", 0, rounds))
        try:
            if power == self.waits_at:
                await asyncio.Event().wait()
        finally:
            self.settings["power_dbm"] = before
        reads = {epc: rounds if power > first else rounds // 2 for epc, first in self.tags.items() if power >= first}
        return CommandResult(ok=True, values={"power_dbm": power, "rounds": rounds, **reads})
