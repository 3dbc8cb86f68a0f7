"""Status lights: what they show, at simulated pins, and what a failing one costs."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from drivers.contract import ClockModel, DeviceKind, Driver, ReadingKind
from drivers.registry import load_driver
from drivers.transport.pins import open_pins
from drivers.transport.simulated_pins import SimulatedFactory
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.vocabulary import DeviceState
from edge.sensor import lights
from edge.sensor.daemon import run_sensor
from edge.sensor.lights import (
    DARK,
    ENGAGED,
    NO_CONTACT,
    READY,
    Light,
    LightKeeper,
    LightPins,
    Lights,
    is_lit,
    lights_of,
)
from edge.sensor.queue.spool import Spool
from edge.sensor.status import Status
from edge.sensor.store import Device
from simulators.devices.contract import DeviceSpec, PinSimulator
from simulators.devices.registry import load_simulator
from simulators.pins import PinThread
from simulators.world.range import FIRST_NOCK_US, World
from tests.drivers.simulated_pins import simulated_pins
from tests.edge.sensor.reports import reading, start
from tests.eventually import eventually

PINS = LightPins(green=24, red=25)


@pytest.fixture
def factory() -> Iterator[SimulatedFactory]:
    with simulated_pins() as made:
        yield made


@pytest.mark.parametrize(
    ("state", "is_engaged", "is_storable", "expected"),
    [
        (DeviceState.READY, False, True, READY),
        (DeviceState.READY, True, True, ENGAGED),
        (DeviceState.READY, True, False, NO_CONTACT),
        (DeviceState.SILENT, True, True, NO_CONTACT),
        (DeviceState.LOST, False, True, NO_CONTACT),
        (DeviceState.WAITING, False, True, NO_CONTACT),
        (DeviceState.STARTING, False, True, DARK),
        (DeviceState.STOPPED, False, True, DARK),
    ],
)
def test_each_state_has_its_lights(state: DeviceState, is_engaged: bool, is_storable: bool, expected: Lights) -> None:
    assert lights_of(state, is_engaged=is_engaged, is_storable=is_storable) == expected


def test_a_blinking_light_is_on_for_half_of_each_second() -> None:
    assert [is_lit(Light.BLINKING, quarter / 4) for quarter in range(8)] == [True, True, False, False] * 2
    assert {is_lit(Light.STEADY, quarter / 4) for quarter in range(8)} == {True}
    assert {is_lit(Light.OFF, quarter / 4) for quarter in range(8)} == {False}


def test_the_arrow_on_the_string_follows_the_newest_reading() -> None:
    status, engaged = Status(), []
    for report in (
        reading(5),
        replace(reading(4), kind=ReadingKind.RELEASE),  # sent again late
        replace(reading(6), kind=ReadingKind.RELEASE),
        reading(7),
        start(second=8.0),  # the device restarted: nothing is known
    ):
        status.on_report(report)
        engaged.append(status.is_engaged)
    assert engaged == [True, True, False, True, False]


@asynccontextmanager
async def shining(status: Status, pins: LightPins = PINS) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(LightKeeper(pins, "bow-1", status, lambda: True).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def test_the_lights_follow_the_state_and_go_out(factory: SimulatedFactory) -> None:
    green, red, status = factory.pin("GPIO24"), factory.pin("GPIO25"), Status(state=DeviceState.READY)
    async with shining(status):
        await eventually(lambda: (green.state, red.state) == (1, 0))
        status.is_engaged = True
        await eventually(lambda: (green.state, red.state) == (0, 1))
        status.set_state(DeviceState.LOST)
        await eventually(lambda: red.state == 0)
        await eventually(lambda: red.state == 1)
        assert green.state == 0
    assert (green.state, red.state) == (0, 0)


async def test_one_light_is_enough(factory: SimulatedFactory) -> None:
    async with shining(Status(state=DeviceState.READY), LightPins(green=24, red=None)):
        await eventually(lambda: factory.pin("GPIO24").state == 1)
    assert factory.pin("GPIO24").state == 0


async def test_a_light_that_is_in_use_is_tried_again(
    factory: SimulatedFactory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lights, "RETRY_FIRST_S", 0.05)
    other = await open_pins(lambda held: [held.output(24)], None, "bow-2")
    with caplog.at_level(logging.INFO, logger="edge.sensor.lights"):
        async with shining(Status(state=DeviceState.READY)):
            await eventually(lambda: "failed: GPIO24 is in use by this program already" in caplog.text)
            other.held.close()
            await eventually(lambda: factory.pin("GPIO24").state == 1)
    assert factory.pin("GPIO24").state == 0


async def test_missing_packages_end_the_lights_and_nothing_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "drivers.transport.gpio", raising=False)
    monkeypatch.setitem(sys.modules, "gpiozero.exc", None)
    async with shining(Status(state=DeviceState.READY)) as task:
        await asyncio.wait((task,), timeout=5.0)
        assert task.result() is None
    assert "lights of bow-1: failed: the package" in caplog.text
    assert "pip install 'archstats-edge[gpio]'" in caplog.text


async def test_a_defect_ends_the_lights_and_nothing_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(lights, "open_outputs", fail)
    async with shining(Status(state=DeviceState.READY)) as task:
        await asyncio.wait((task,), timeout=5.0)
        assert task.result() is None
    assert "the lights of bow-1 are given up" in caplog.text


async def test_a_switch_at_pins_is_read_stored_and_shown(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    """The daemon with the driver at simulated pins, and lights beside them."""
    simulator = load_simulator("bow.nock")
    assert isinstance(simulator, PinSimulator)
    driver = load_driver(simulator.driver)
    values = {name.removeprefix("ARCH_STATS_").lower(): value for name, value in simulator.settings.items()}
    settings = TypeAdapter(driver.info.settings).validate_python(values)

    def build(clocks: Sequence[ClockModel]) -> Driver:
        return driver("bow-1", settings, clocks=clocks)

    world = World(1, round(datetime.now(UTC).timestamp() * 1e6) - FIRST_NOCK_US // 2, 20.0)
    seen: list[tuple[int, int]] = []
    stop = asyncio.Event()
    with PinThread(simulator, DeviceSpec("bow-1", simulator.driver, 1), world) as pins:
        green, red = pins.factory.pin("GPIO24"), pins.factory.pin("GPIO25")

        def has_shown_a_shot() -> bool:
            if (shown := (green.state, red.state)) not in seen[-1:]:
                seen.append(shown)
            return seen[-3:] == [(1, 0), (0, 1), (1, 0)]

        async with open_database(database_settings, application="test") as database, asyncio.TaskGroup() as tasks:
            spool = Spool(tmp_path, "bow-1", 1 << 24)
            device = Device("bow-1", DeviceKind.BOW, simulator.driver, 1, 1.0)
            tasks.create_task(run_sensor(database, device, build, spool, stop, lights=PINS))
            await eventually(has_shown_a_shot)
            stop.set()
        assert (green.state, red.state) == (0, 0)
    rows = await connection.fetch("select kind, source, mono_ns, cause, launch_mps from readings order by seq")
    assert {row["source"] for row in rows} == {"simulator"}
    assert [row["kind"] for row in rows[:2]] == ["engage", "release"]
    assert (rows[1]["cause"], rows[1]["launch_mps"]) == ("shot", pytest.approx(world.archer(1).launch_mps, rel=2e-3))
