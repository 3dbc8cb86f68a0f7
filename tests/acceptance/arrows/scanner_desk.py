"""A desk with a simulated scanner, its daemon, and the operator's commands on the test's database."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from drivers.r200.programming import Phase
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField
from simulators.hosttime import HostTime
from simulators.stand import served_station
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan
from simulators.wire.station import Station
from tests.eventually import eventually
from tests.warm_programs import WarmPrograms

PROGRAM = Path(sys.executable).with_name("archstats-sensor")
DEVICE = "arrow-1"
READY_WITHIN_S = 60.0
IS_IN_PHASE = """
    select exists (select from commands where kind = 'program_arrow' and state = 'running' and phase = any($1))
"""
Facts = dict[str, object]


@dataclass(frozen=True)
class Ended:
    """The end of a command of the operator."""

    status: int
    stdout: str
    stderr: str


@dataclass
class Desk:
    """The scanner, the database and the operator."""

    station: Station
    connection: Connection
    environment: dict[str, str]
    folder: Path
    programs: WarmPrograms
    host: HostTime
    daemon: asyncio.subprocess.Process | None = None

    @property
    def scanner(self) -> Scanner:
        """The simulated device."""
        assert isinstance(self.station.device, Scanner)
        return self.station.device

    def place(self, *tags: str) -> list[Gen2Tag]:
        """Place exactly these tags on the pad."""
        self.scanner.place(tags, (), self.host.now_us())
        return [one.tag for one in self.scanner.pad.tags]

    async def run(self, *words: str) -> Ended:
        """Run a command of the operator to its end."""
        ended = await asyncio.to_thread(
            self.programs.run, "archstats-sensor", *words, environment=self.environment, folder=self.folder
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    async def program(self, label: str, own: Gen2Tag, beside: Gen2Tag, *words: str) -> Ended:
        """Program an arrow. While its tag is written, and while it is locked, another one lies beside it."""
        arrow = UUID(str((await self.arrows())[label]["id"]))
        running = asyncio.create_task(self.run("arrow", "program", label, *words))
        await self._keep_beside(own, beside, Phase.SELECTING, running, lambda: own.epc_memory == arrow.bytes)
        await self._keep_beside(own, beside, Phase.LOCKING, running, lambda: own.locks[LockField.EPC] is Lock.FOREVER)
        return await running

    async def _keep_beside(
        self, own: Gen2Tag, beside: Gen2Tag, since: Phase, running: asyncio.Task[Ended], is_done: Callable[[], bool]
    ) -> None:
        """Place another tag on the pad when the programming reaches a phase, and take it away when its effect is there."""
        phases = list(Phase)[list(Phase).index(since) :]
        while not (running.done() or is_done() or await self.connection.fetchval(IS_IN_PHASE, phases)):
            await asyncio.sleep(0.01)
        self.place(own.tid.hex(), beside.tid.hex())
        await eventually(lambda: running.done() or is_done(), 60.0)
        self.place(own.tid.hex())

    async def arrows(self) -> dict[str, Facts]:
        """The registered arrows by label."""
        rows = await self.connection.fetch("select * from arrows")
        return {str(row["human_identifier"]): dict(row) for row in rows}

    async def commands(self) -> list[Facts]:
        """The commands to the scanner, oldest first."""
        rows = await self.connection.fetch("select * from commands order by id")
        return [{**row, "result": json.loads(row["result"] or "{}")} for row in rows]

    async def start_daemon(self) -> None:
        """Start the daemon of the scanner, and wait until it has opened it."""
        own = {
            "ARCH_STATS_DRIVER": "arrow.r200",
            "ARCH_STATS_PORT": str(self.folder / DEVICE),
            "ARCH_STATS_REGION": "eu",
            "ARCH_STATS_SPOOL_DIR": str(self.folder / "spool"),
        }
        before = await self.now()
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = await asyncio.create_subprocess_exec(
                PROGRAM, "run", DEVICE, env={**self.environment, **own}, stdout=log, stderr=log
            )
        await self.until_ready(before)

    async def now(self) -> datetime:
        """The instant by the clock of the database."""
        now: datetime = await self.connection.fetchval("select clock_timestamp()")
        return now

    async def until_ready(self, since: datetime) -> None:
        """Wait until the daemon has opened the scanner, after an instant."""
        assert self.daemon is not None
        ready = "select exists (select from device_status where state = 'ready' and since > $1)"
        async with asyncio.timeout(READY_WITHIN_S):
            while not await self.connection.fetchval(ready, since):
                assert self.daemon.returncode is None, (self.folder / "daemon.log").read_text()
                await asyncio.sleep(0.02)

    async def stop_daemon(self) -> None:
        """Stop the daemon, unless it has ended."""
        if self.daemon is not None and self.daemon.returncode is None:
            self.daemon.terminate()
        if self.daemon is not None:
            async with asyncio.timeout(READY_WITHIN_S):
                await self.daemon.wait()

    async def kill_daemon(self) -> None:
        """End the daemon by SIGKILL."""
        assert self.daemon is not None
        self.daemon.kill()
        await self.daemon.wait()


@asynccontextmanager
async def scanner_desk(
    settings: ServiceSettings,
    connection: Connection,
    folder: Path,
    programs: WarmPrograms,
    *,
    variant: str = "desk",
    faults: FaultPlan = NO_FAULTS,
    seed: int = 3,
) -> AsyncIterator[Desk]:
    """A desk whose daemon runs while the block does."""
    own = settings.database
    environment = {
        "PATH": os.environ["PATH"], "USER": "Robin", "POSTGRES_USER": own.user, "POSTGRES_DB": own.db,
        "POSTGRES_SOCKET_DIR": str(own.socket_dir), "ARCH_STATS_WS_CHANNEL": settings.ws_channel,
    }  # fmt: skip
    spec = DeviceSpec(DEVICE, "arrow.r200", 1, variant)
    async with served_station(spec, folder / DEVICE, faults=faults, seed=seed, speed=1.0) as station:
        desk = Desk(station, connection, environment, folder, programs, HostTime.anchor())
        try:
            await desk.start_daemon()
            yield desk
        finally:
            await desk.stop_daemon()


def memories(tags: Sequence[Gen2Tag]) -> list[tuple[int, bytes, str]]:
    """The contents of tags that a command may change: PC, EPC, locks."""
    return [(tag.pc, tag.epc_memory, str(tag.locks)) for tag in tags]
