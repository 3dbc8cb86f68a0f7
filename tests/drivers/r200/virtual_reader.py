"""The commands of the driver at a simulated reader in virtual time: no deadline takes time."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from drivers.contract import Command, CommandResult, Progress, Source
from drivers.r200.codec import Dialect
from drivers.r200.commands import Scanner, run_command
from drivers.r200.opening import SetUp
from drivers.r200.programming import Phase
from drivers.r200.reader import Reader
from drivers.r200.scans import ScanSession
from drivers.r200.settings import RegionName
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import Chunk, SerialCounters
from simulators.devices import arrow_r200
from simulators.devices.clock import AS_DRAWN
from simulators.devices.contract import DeviceSpec
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField
from simulators.devices.tag_pad import DefaultTag
from simulators.world.range import FIXED_START_US, World

BLIND_US = 150_000
"""Time for which a reader that restarts is blind."""


@dataclass(frozen=True, slots=True)
class Restart:
    """A restart of the reader, after a command."""

    command: int
    """Number of the command, from 1, counted from the beginning of ``program_arrow``."""
    after_us: int
    """Time after it; 0 loses the command."""
    leaves_both: bool = True
    """Whether the tag that is programmed stays beside the other one."""


@dataclass
class VirtualReader:
    """A scanner with one blank tag. The tag of another arrow comes when the reader restarts, and leaves before each search."""

    seed: int
    restart: Restart
    counters: SerialCounters = field(default_factory=SerialCounters)
    now_us: int = FIXED_START_US
    sent: int = 0
    """Commands of the program so far."""
    has_restarted: bool = False
    _is_programming: bool = False
    _restart_us: int | None = None
    _frames: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = World(self.seed, self.now_us, 1.0)
        made = arrow_r200.make(DeviceSpec("arrow-1", "arrow.r200", 1), world, self.now_us, AS_DRAWN)
        assert isinstance(made, arrow_r200.Scanner)
        self.device = made
        made.place([DefaultTag.PROGRAMMED, DefaultTag.BLANK], [], self.now_us)
        self.other, self.blank = made.pad.tags
        made.pad.tags = [self.blank]
        reader = Reader(self, Dialect.M100, FlightRecorder(lambda data: [data]))
        session = ScanSession("arrow-1", Source.SIMULATOR, UUID(int=1), 2.0)
        self.scanner = Scanner(reader, SetUp("arrow-1", RegionName.EU, 15.0), session)

    async def run(self, name: str, **arguments: float | str | bool) -> CommandResult:
        """Run a command."""
        self._is_programming = name == "program_arrow"
        return await run_command(Command(name, arguments), self.scanner, self._on_progress)

    def _on_progress(self, progress: Progress) -> None:
        if progress.phase == Phase.SEARCHING:
            self.device.pad.tags = [self.blank]

    async def read(self, timeout_s: float) -> Chunk | None:
        """The next frame; None if none comes in time."""
        until_us = self.now_us + max(round(timeout_s * 1e6), 0)
        while not self._frames:
            due_us = min(self.device.next_due_us(), until_us if self._restart_us is None else self._restart_us)
            if due_us > until_us:
                break
            self._advance(due_us)
            if due_us == until_us and not self._frames:
                break
        if not self._frames:
            self.now_us = until_us
            return None
        data = self._frames.pop(0)
        self.counters.received += len(data)
        return Chunk(data, self.now_ns())

    def write(self, data: bytes) -> bool:
        """Take a command."""
        self.now_us += 1
        self.sent += self._is_programming
        if self._is_programming and self.sent == self.restart.command:
            self._restart_us = self.now_us + self.restart.after_us
        self._advance(self.now_us)
        self._frames += self.device.receive(data, self.now_us)
        return True

    def now_ns(self) -> int:
        """The virtual CLOCK_MONOTONIC."""
        return self.now_us * 1_000

    def _advance(self, until_us: int) -> None:
        self.now_us = max(self.now_us, until_us)
        if self._restart_us is not None and self._restart_us <= self.now_us:
            self._restart_us, self.has_restarted = None, True
            self.device.pad.tags = [self.other, self.blank] if self.restart.leaves_both else [self.other]
            self.device.reboot(self.now_us, BLIND_US)
        self._frames += self.device.poll(self.now_us)


def contents(tag: Gen2Tag) -> tuple[int, bytes, dict[LockField, Lock]]:
    """Everything that a command can change on a tag without passwords."""
    return tag.pc, tag.epc_memory, dict(tag.locks)


async def program(there: VirtualReader, epc: str, *, lock: bool) -> CommandResult:
    """Inspect the tag in the field, and program it."""
    found = await there.run("inspect_tag")
    assert found.ok, found
    return await there.run("program_arrow", epc=epc, tid=found.values["tid"], memory=found.values["memory"], lock=lock)


def use_virtual_time(monkeypatch: pytest.MonkeyPatch, there: VirtualReader) -> None:
    """Let the driver's deadlines pass in the virtual time of the reader."""
    monkeypatch.setattr("time.monotonic_ns", there.now_ns)
