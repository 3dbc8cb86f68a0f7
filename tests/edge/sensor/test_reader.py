"""What the reader takes of a device, and what it leaves there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
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
    Pulse,
    Reading,
    ReadingKind,
    Report,
    Source,
    Stamp,
    StreamStart,
)
from drivers.errors import DeviceLost
from edge.sensor.queue.inbox import Inbox
from edge.sensor.queue.ledger import Watermark
from edge.sensor.reader import CLOCKS_KEPT, DeviceReader
from edge.sensor.status import Status
from tests.eventually import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST, BEFORE, PRESENT = UUID(int=1), UUID(int=2), UUID(int=3)
CLOCK = ClockModel(BEFORE, HOST, 0, 0, 0.0, 0.001, 0.0)


class RebootedNode:
    """A node that owes an event of the boot before, and dates it when it is told that boot's clock."""

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

    async def execute(self, command: Command) -> CommandResult:
        return CommandResult(ok=False, error=f"nothing is known of {command.name}")

    async def acknowledge(self, reading: Reading) -> None:
        raise AssertionError(f"{reading} is stored nowhere")

    async def close(self) -> None:
        self._closed.set()

    def counters(self) -> Mapping[str, int]:
        return {}

    def flight_record(self) -> list[str]:
        return []


async def test_an_event_of_an_earlier_boot_stays_with_the_device_until_its_clock_is_known() -> None:
    """A daemon that starts while the database is away knows no clock of the past; undated is undated for ever."""
    inbox = Inbox()
    reader = DeviceReader(RebootedNode, inbox, Watermark(), Status())
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


async def test_what_no_stored_clock_can_date_is_taken_undated() -> None:
    inbox = Inbox()
    reader = DeviceReader(RebootedNode, inbox, Watermark(), Status())
    reader.learn([])
    running = asyncio.create_task(reader.run())
    try:
        await eventually(lambda: any(isinstance(report, Reading) for report in inbox.oldest(9)))
        assert reader.left_undated == 0
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_clocks_of_the_last_boots_are_remembered_the_newest_last() -> None:
    clocks = [replace(CLOCK, stream_id=UUID(int=number)) for number in range(3 * CLOCKS_KEPT)]
    inbox = Inbox()
    reader = DeviceReader(lambda _: RebootingNode(clocks[1:]), inbox, Watermark(), Status())
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
    """Reboots again and again, and its clock is learnt each time."""

    def __init__(self, clocks: Sequence[ClockModel]) -> None:
        super().__init__(clocks)
        self._clocks = clocks

    async def readings(self) -> AsyncIterator[Report]:
        for clock in self._clocks:
            yield clock
        await self._closed.wait()


class DyingNode(RebootedNode):
    """Answers, and is gone again at once."""

    opened = 0

    async def open(self) -> DeviceIdentity:
        DyingNode.opened += 1
        return await super().open()

    async def readings(self) -> AsyncIterator[Report]:
        yield StreamStart(PRESENT, Stamp(NOW, 5, HOST, 0.001), None, None, None)
        raise DeviceLost("the line is lost", device="bow-1", hint="put the cable back")


async def test_a_device_that_dies_each_time_at_once_is_left_in_peace_for_longer_and_longer() -> None:
    DyingNode.opened = 0
    reader = DeviceReader(DyingNode, Inbox(), Watermark(), Status())
    began = time.monotonic()
    reading = asyncio.create_task(reader.run())
    while DyingNode.opened < 2 or time.monotonic() - began < 4.0:
        await asyncio.wait([reading], timeout=0.1)
        assert not reading.done()
    took = time.monotonic() - began
    reading.cancel()
    await asyncio.wait([reading])
    assert DyingNode.opened <= 12 * max(1.0, took / 4.0), "at a steady 0.2 s it would be 19 in 4 s"
