"""The reader: reports that it takes from a device, and reports that it leaves there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest
from pydantic import BaseModel

from drivers.contract import (
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Pulse,
    Reading,
    ReadingKind,
    Report,
    ReportProgress,
    Source,
    Stamp,
    StreamStart,
    ignore_progress,
)
from drivers.errors import DeviceLost
from edge.sensor.queue.durable import DurableQueue
from edge.sensor.queue.spool import Spool
from edge.sensor.reader import CLOCKS_KEPT, DeviceReader
from edge.sensor.status import Status
from tests.eventually import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST, BEFORE, PRESENT = UUID(int=1), UUID(int=2), UUID(int=3)
CLOCK = ClockModel(BEFORE, HOST, 0, 0, 0.0, 0.001, 0.0)


class RebootedNode:
    """A node that owes an event of its previous boot, and dates it once it has the clock of that boot."""

    info: ClassVar[DriverInfo] = DriverInfo(
        "bow.scripted", DeviceKind.BOW, "a script", Maturity.EXPERIMENTAL, frozenset(), frozenset(), 1.0, BaseModel
    )

    def __init__(self, clocks: Sequence[ClockModel]) -> None:
        self._uncertainty_s = 0.001 if CLOCK in clocks else None
        self._closed = asyncio.Event()

    async def open(self) -> DeviceIdentity:
        return DeviceIdentity("bow-1", DeviceKind.BOW, PRESENT, Source.SIMULATOR)

    async def readings(self) -> AsyncIterator[Report]:
        yield StreamStart(PRESENT, Stamp(NOW, 5, HOST, 0.001), None, BEFORE, 1)
        while not self._closed.is_set():
            stamp = Stamp(NOW, 1, HOST, self._uncertainty_s)
            yield Reading("bow-1", BEFORE, 1, ReadingKind.RELEASE, stamp, NOW, Source.SIMULATOR)
            yield Pulse(PRESENT, 0, Stamp(NOW, 6, HOST, 0.001))
            await asyncio.sleep(0.01)

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        del report
        return CommandResult(ok=False, error=f"{command.name} is unknown")

    async def acknowledge(self, reading: Reading) -> None:
        raise AssertionError(f"{reading} is not durable")

    async def close(self) -> None:
        self._closed.set()

    def counters(self) -> Mapping[str, int]:
        return {}

    def flight_record(self) -> list[str]:
        return []


@pytest.fixture
def queue(tmp_path: Path) -> DurableQueue:
    """A queue whose disk stays closed."""
    return DurableQueue(Spool(tmp_path, "bow-1", 1 << 24))


async def test_event_of_an_earlier_boot_stays_until_its_clock_loads(queue: DurableQueue) -> None:
    """A daemon that starts while the database is away has no earlier clock; an event stored undated stays undated."""
    inbox = queue.inbox
    reader = DeviceReader(RebootedNode, queue, Status())
    running = asyncio.create_task(reader.run())
    try:
        await eventually(lambda: reader.left_undated >= 3)
        assert not any(isinstance(report, Reading) for report in inbox.oldest(9))
        reader.learn([CLOCK])
        await eventually(lambda: any(isinstance(report, Reading) for report in inbox.oldest(9)))
        (taken,) = [report for report in inbox.oldest(9) if isinstance(report, Reading)]
        assert taken.stamp.uncertainty_s == 0.001
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_event_without_a_stored_clock_is_taken_undated(queue: DurableQueue) -> None:
    inbox = queue.inbox
    reader = DeviceReader(RebootedNode, queue, Status())
    reader.learn([])
    running = asyncio.create_task(reader.run())
    try:
        await eventually(lambda: any(isinstance(report, Reading) for report in inbox.oldest(9)))
        assert reader.left_undated == 0
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_clocks_of_the_latest_boots_are_kept_newest_last(queue: DurableQueue) -> None:
    clocks = [replace(CLOCK, stream_id=UUID(int=number)) for number in range(3 * CLOCKS_KEPT)]
    inbox = queue.inbox
    reader = DeviceReader(lambda _: RebootingNode(clocks[1:]), queue, Status())
    reader.learn([clocks[0], replace(CLOCK, stream_id=UUID(int=999))])
    running = asyncio.create_task(reader.run())
    try:
        await eventually(lambda: len(inbox) == len(clocks) - 1)
        assert list(reader.clocks.values()) == clocks[-CLOCKS_KEPT:]
        reader.learn(clocks[:5])
        assert list(reader.clocks.values()) == clocks[-CLOCKS_KEPT:]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class RebootingNode(RebootedNode):
    """Reboots again and again, and reports a clock each time."""

    def __init__(self, clocks: Sequence[ClockModel]) -> None:
        super().__init__(clocks)
        self._clocks = clocks

    async def readings(self) -> AsyncIterator[Report]:
        for clock in self._clocks:
            yield clock
        await self._closed.wait()


class DyingNode(RebootedNode):
    """Answers, and disconnects at once."""

    opened = 0

    async def open(self) -> DeviceIdentity:
        DyingNode.opened += 1
        return await super().open()

    async def readings(self) -> AsyncIterator[Report]:
        yield StreamStart(PRESENT, Stamp(NOW, 5, HOST, 0.001), None, None, None)
        raise DeviceLost("the line is lost", device="bow-1", hint="put the cable back")


async def test_device_that_fails_at_once_is_opened_after_longer_pauses(queue: DurableQueue) -> None:
    DyingNode.opened = 0
    reader = DeviceReader(DyingNode, queue, Status())
    began = time.monotonic()
    reading = asyncio.create_task(reader.run())
    while DyingNode.opened < 2 or time.monotonic() - began < 4.0:
        await asyncio.wait([reading], timeout=0.1)
        assert not reading.done()
    took = time.monotonic() - began
    reading.cancel()
    await asyncio.wait([reading])
    assert DyingNode.opened <= 12 * max(1.0, took / 4.0), "at a steady 0.2 s it would be 19 in 4 s"
