"""A simulated scanner is calibrated beside its daemon, and every later opening sets the calibrated power."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.contract import DeviceKind
from drivers.r200.driver import ArrowReader
from drivers.r200.settings import R200Settings, RegionName
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.operator.calibration.arrow import ArrowPlan, calibrate_arrow
from edge.operator.calibration.arrow_levels import LevelReads
from edge.operator.device_settings import read_settings
from edge.sensor.daemon import run_sensor
from edge.sensor.queue.spool import Spool
from edge.sensor.store import Device
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.stand import served

DEVICE = Device("arrow-1", DeviceKind.ARROW, "arrow.r200", 1, 1.0)
PLAN = ArrowPlan(17, 23, 6)
"""The simulated tag on the pad answers always, the one 30 cm away never at 17 dBm and nearly always at 23 dBm."""


class Seen:
    """Progress that a calibration showed."""

    def __init__(self) -> None:
        self.levels: list[LevelReads] = []
        self.back: list[float] = []
        self.has_begun = asyncio.Event()
        self.tag = ""

    def started(self, plan: ArrowPlan, before: float) -> None:
        assert (plan, before) == (PLAN, 15.0)

    def refused(self, power_dbm: float, reason: str) -> None:
        raise AssertionError(f"{power_dbm}: {reason}")

    def measured(self, level: LevelReads) -> None:
        self.levels.append(level)
        self.has_begun.set()

    async def confirm(self, epc: str, arrow: str | None) -> bool:
        assert arrow is None
        self.tag = epc
        return True

    def put_back(self, power_dbm: float) -> None:
        self.back.append(power_dbm)

    def not_put_back(self, power_dbm: float, reason: str) -> None:
        raise AssertionError(f"{power_dbm}: {reason}")


@asynccontextmanager
async def scanner_daemon(settings: ServiceSettings, folder: Path) -> AsyncIterator[None]:
    """The daemon with the real driver, whose environment says 15 dBm."""
    stop = asyncio.Event()
    own = R200Settings(port=str(folder / "arrow-1"), region=RegionName.EU)
    async with (
        open_database(settings, application="sensor", role=Role.SENSOR) as database,
        asyncio.TaskGroup() as tasks,
    ):
        spool = Spool(folder / "spool", DEVICE.id, 1 << 24)
        tasks.create_task(
            run_sensor(database, DEVICE, lambda clocks: ArrowReader(DEVICE.id, own, clocks=clocks), spool, stop)
        )
        try:
            yield
        finally:
            stop.set()


async def until_ready(connection: Connection) -> None:
    async with asyncio.timeout(20):
        while await connection.fetchval("select state from device_status") != "ready":
            await asyncio.sleep(0.02)


async def test_a_simulated_scanner_keeps_its_calibrated_power(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    spec = DeviceSpec("arrow-1", "arrow.r200", 1)
    async with (
        served(spec, tmp_path / "arrow-1", speed=1.0) as device,
        open_database(database_settings, application="test", role=Role.OPERATOR) as database,
    ):
        assert isinstance(device, Scanner)
        operator = await database.connect()
        async with scanner_daemon(database_settings, tmp_path):
            await until_ready(connection)
            device.pad.place(["blank"], ["blank"])
            on_pad, far = device.pad.tags
            seen = Seen()
            working = asyncio.create_task(calibrate_arrow(operator, "arrow-1", PLAN, "Robin", seen))
            async with asyncio.timeout(20):
                await seen.has_begun.wait()
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
            assert seen.back == [15.0]
            assert await connection.fetchval("select count(*) from calibrations") == 0

            seen = Seen()
            stored = await calibrate_arrow(operator, "arrow-1", PLAN, "Robin", seen)
            power = (await read_settings(operator, "arrow-1", "Robin"))["power_dbm"]
        assert seen.tag == stored.parameters["pad_tag"] == on_pad.tag.epc.hex()
        assert stored.parameters["settings"] == {"power_dbm": power}
        assert isinstance(power, float)
        assert 17 <= power <= 21
        assert power == max(level.power_dbm for level in seen.levels if level.is_right)
        assert far.tag.epc.hex() in seen.levels[-1].others
        async with scanner_daemon(database_settings, tmp_path):
            await until_ready(connection)
            assert (await read_settings(operator, "arrow-1", "Robin"))["power_dbm"] == power
        operator.terminate()
