"""A bow whose driver follows a script, with its daemon: for tests of the commands to a device."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel

from drivers.contract import (
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Progress,
    Pulse,
    Reading,
    Report,
    ReportProgress,
    Source,
    Stamp,
    StreamStart,
    ignore_progress,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.sensor.daemon import run_sensor
from edge.sensor.queue.spool import Spool
from edge.sensor.store import Device
from tests.edge.sensor.reports import STREAM
from tests.eventually import eventually_blocking

DEVICE = Device("bow-1", DeviceKind.BOW, "bow.scripted", 1, 1.0)
HOST = UUID(int=1)


class ScriptedBow:
    """Answers commands as its kind says, and delivers the readings that a test gives it."""

    info: ClassVar[DriverInfo] = DriverInfo(
        "bow.scripted", DeviceKind.BOW, "a script", Maturity.EXPERIMENTAL, frozenset(), frozenset(), 1.0, BaseModel
    )
    connected = True
    is_jammed = False
    """Refuses to be configured."""

    def __init__(self) -> None:
        self.ran: list[Command] = []
        self.cancelled = 0
        self.is_read = False
        self.settings: dict[str, int | float | str | bool] = {
            "threshold": 100,
            "gain": 1.5,
            "is_loud": False,
            "name": "oak",
        }
        self.go_on = asyncio.Event()
        self.closed = asyncio.Event()
        self.delivered: asyncio.Queue[Report | DriverError] = asyncio.Queue(100)

    def __call__(self, clocks: Sequence[ClockModel]) -> ScriptedBow:
        del clocks
        return self

    async def open(self) -> DeviceIdentity:
        if not self.connected:
            raise DeviceUnavailable("the cable is out", device="bow-1", hint="Plug it in.")
        return DeviceIdentity("bow-1", DeviceKind.BOW, STREAM, Source.SIMULATOR)

    async def readings(self) -> AsyncIterator[Report]:
        now = datetime.now(UTC)
        self.is_read = True
        yield StreamStart(STREAM, Stamp(now, 5, HOST, 0.001), None)
        yield Pulse(STREAM, 0, Stamp(now, 6, HOST, 0.001))
        while True:
            report = await self.delivered.get()
            if isinstance(report, DriverError):
                raise report
            yield report

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        self.ran.append(command)
        try:
            match command.name:
                case "read":
                    return CommandResult(ok=True, values={"threshold": 100, "name": "bow\0", "gain": float("nan")})
                case "read_config":
                    return CommandResult(ok=True, values=self.settings)
                case "configure":
                    return self._configure(command)
                case "refuse":
                    return CommandResult(ok=False, error="busy")
                case "lose":
                    raise DeviceLost("the line is closed", device="bow-1", hint="Wait a moment.")
                case "await_answer":
                    await self.closed.wait()
                    raise DeviceLost("the line is closed", device="bow-1", hint="Wait a moment.")
                case "break":
                    raise KeyError("threshold")
                case "deaf":
                    await self._be_deaf()
                case "prove":
                    return await self._prove(report)
                case _:
                    report(Progress("writes the tag", 2, 5))
                    await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return CommandResult(ok=True)

    async def _prove(self, report: ReportProgress) -> CommandResult:
        report(Progress("reads the tag", 1, 3))
        await asyncio.sleep(0)
        report(Progress("found it", 2, 3, {"tid": "e200\0", "tries": 1}))
        report(Progress("writes it", 2, 3, {"written": True, "tries": 2}))
        await self.go_on.wait()
        return CommandResult(ok=True, values={"tries": 3, "is_verified": True})

    def _configure(self, command: Command) -> CommandResult:
        if self.is_jammed:
            return CommandResult(ok=False, error="it is jammed")
        self.settings |= command.arguments
        return CommandResult(ok=True, values=self.settings)

    async def _be_deaf(self) -> None:
        while not self.go_on.is_set():
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.cancelled += 1

    async def acknowledge(self, reading: Reading) -> None:
        del reading

    async def close(self) -> None:
        self.closed.set()

    def counters(self) -> Mapping[str, int]:
        return {}

    def flight_record(self) -> list[str]:
        return []


@asynccontextmanager
async def daemon(
    settings: ServiceSettings, bow: ScriptedBow, folder: Path, device: Device = DEVICE
) -> AsyncIterator[None]:
    """The daemon of the scripted device, under its own role."""
    stop = asyncio.Event()
    async with (
        open_database(settings, application="sensor", role=Role.SENSOR) as database,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(run_sensor(database, device, bow, Spool(folder, device.id, 1 << 24), stop))
        try:
            yield
        finally:
            stop.set()


@contextmanager
def daemon_thread(
    settings: ServiceSettings, bow: ScriptedBow, folder: Path, device: Device = DEVICE
) -> Iterator[asyncio.AbstractEventLoop]:
    """The same daemon on a thread of its own, so that this one can run commands; yields its event loop."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with daemon(settings, bow, folder, device):
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        eventually_blocking(lambda: bow.is_read)
        yield loop
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)
        loop.close()
