"""Texts that hurt, from a driver of another package: the daemon stores its readings and its status all the same."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from asyncpg import Record
from pydantic import BaseModel

from drivers.contract import (
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Pulse,
    Reading,
    Report,
    ReportProgress,
    Source,
    ignore_progress,
)
from drivers.errors import DeviceLost
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database
from edge.sensor.daemon import run_sensor
from edge.sensor.device_texts import clean_reading, clean_start
from edge.sensor.queue.spool import Spool
from edge.sensor.store import Device
from tests.edge.sensor.reports import STREAM, reading, stamp, start

DEVICE = Device("bow-1", DeviceKind.BOW, "bow.careless", 1, 1.0)
HURTS = "FW\x001.0 \x1b[2J\u202e\ud800 " + "x" * 5000


class CarelessDriver:
    """Delivers texts as its device sends them."""

    info: ClassVar[DriverInfo] = DriverInfo(
        "bow.careless", DeviceKind.BOW, "a script", Maturity.EXPERIMENTAL, frozenset(), frozenset(), 1.0, BaseModel
    )

    def __init__(self, unplugged: asyncio.Event) -> None:
        self._unplugged = unplugged

    async def open(self) -> DeviceIdentity:
        return DeviceIdentity("bow-1", DeviceKind.BOW, STREAM, Source.SIMULATOR, "FW 1.0" + 10 * "\0", HURTS)

    async def readings(self) -> AsyncIterator[Report]:
        yield start()
        yield replace(reading(1), tag="e200\0\0", reason=HURTS)
        yield Pulse(STREAM, 1, stamp(2))
        await self._unplugged.wait()
        raise DeviceLost(f"lost: {HURTS}", device="bow-1", hint=HURTS)

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        del report
        return CommandResult(ok=False, error=command.name)

    async def acknowledge(self, reading: Reading) -> None:
        assert reading.seq == 1

    async def close(self) -> None:
        return

    def counters(self) -> Mapping[str, int]:
        return {HURTS: 1}

    def flight_record(self) -> list[str]:
        return [HURTS]


async def test_texts_that_hurt_cost_no_reading_and_no_status(
    database: Database, connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stop, unplugged = asyncio.Event(), asyncio.Event()
    spool = Spool(tmp_path, DEVICE.id, 1 << 24)

    async def row_with(part: str) -> Record:
        async with asyncio.timeout(20):
            while not (found := await connection.fetchrow(f"select * from device_status where {part}")):
                await asyncio.sleep(0.02)
        return found

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_sensor(database, DEVICE, lambda _: CarelessDriver(unplugged), spool, stop))
        ready = await row_with("watermark is not null")
        unplugged.set()
        await row_with("error like 'lost: FW%'")
        stop.set()
    assert (ready["state"], ready["firmware"]) == ("ready", "FW 1.0")
    stored = await connection.fetchrow("select tag, reason from readings")
    assert stored is not None
    assert stored["tag"] == "e200"
    assert str(stored["reason"]).startswith("FW\\x001.0 \\x1b[2J\\u202e\\ud800 xxx")
    assert len(stored["reason"]) == 300
    assert await connection.fetchval("select count(*) from quarantine") == 0
    assert "down" not in caplog.text


def test_clean_reading_is_the_same_object() -> None:
    clean = replace(reading(1, reason="no tag was read"), tags=("e1", "e2"))
    assert clean_reading(clean) is clean
    assert clean_reading(replace(clean, tags=("e1\0", "e2"))).tags == ("e1", "e2")


def test_reason_of_a_stream_start_is_cleaned() -> None:
    assert clean_start(replace(start(), reason="lid\0closed")).reason == "lid\\x00closed"
    assert clean_start(start()).reason is None
