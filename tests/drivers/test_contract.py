"""Every driver of the registry keeps the contract on its simulated device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import TypeAdapter

from archstats.drivers.contract_suite import Connection, DriverContract
from drivers.registry import driver_names, load_driver
from simulators.devices.contract import DeviceSpec, PinSimulator, Simulator
from simulators.devices.registry import load_simulator
from simulators.pins import PinThread
from simulators.stand import Stand
from simulators.world.range import FIRST_NOCK_US, World
from tests.timing import limit_s


def device_of(driver: str) -> str:
    """The id of a driver's device: the driver's name and its lane."""
    return f"{driver.replace('.', '-')}-1"


SHORT_HEARTBEAT_S = 1.0
"""Heartbeat of a driver whose silence is tested by default; one with a longer heartbeat tests it in its own module, too."""
LINES = [name for name in driver_names() if not isinstance(load_simulator(name), PinSimulator)]
"""Drivers of devices behind a line."""


def variant_of(name: str) -> str:
    """The variant of a simulated device that senses the shooting; empty for the usual one."""
    simulator = load_simulator(name)
    return simulator.scanning_variant if isinstance(simulator, Simulator) else ""


def values_of(simulator: Simulator | PinSimulator, variant: str = "") -> dict[str, object]:
    """The settings with which a driver finds the simulated device."""
    settings = simulator.settings_of(variant)
    return {variable.removeprefix("ARCH_STATS_").lower(): value for variable, value in settings.items()}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One simulated range for all these tests; its shooting continues from one test to the next."""
    stand = Stand.start(
        tmp_path_factory.mktemp("ports"), {device_of(name): f"{name}:1:{variant_of(name)}" for name in LINES}
    )
    yield stand
    stand.stop()


def connect(name: str, values: dict[str, object], stand: Stand | PinThread) -> Connection:
    """The device of a driver, with these settings."""
    driver = load_driver(name)
    settings = TypeAdapter(driver.info.settings).validate_python(values)
    return Connection(
        info=driver.info,
        device_id=device_of(name),
        build=lambda clocks: driver(device_of(name), settings, clocks=clocks),
        freeze=stand.freeze,
        thaw=stand.thaw,
    )


@contextmanager
def at_pins(simulator: PinSimulator) -> Iterator[Connection]:
    """The device of a driver at pins of this process; its shooting starts anew for each test."""
    name = simulator.driver
    values = values_of(simulator)
    world = World(3, time.time_ns() // 1000 - FIRST_NOCK_US, 20.0)
    with PinThread(simulator, DeviceSpec(device_of(name), name, 1), world) as pins:
        yield connect(name, values, pins)


class TestEveryDriver(DriverContract):
    @pytest.fixture
    def time_factor(self, pytestconfig: pytest.Config) -> float:
        return limit_s(pytestconfig, 1.0)

    @pytest.fixture(params=driver_names())
    def connection(self, request: pytest.FixtureRequest) -> Iterator[Connection]:
        name: str = request.param
        waits = request.function.__name__ == "test_a_silent_device_raises_device_lost"
        if waits and load_driver(name).info.heartbeat_s > SHORT_HEARTBEAT_S and not request.config.getoption("--long"):
            pytest.skip("long: it waits for three heartbeats")
        simulator = load_simulator(name)
        if isinstance(simulator, PinSimulator):
            with at_pins(simulator) as connection:
                yield connection
        else:
            stand: Stand = request.getfixturevalue("stand")
            port = {"port": stand.port(device_of(name))}
            yield connect(name, values_of(simulator, variant_of(name)) | port, stand)
