"""Every driver of the registry keeps the contract on its simulated device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter

from archstats.drivers.contract_suite import Connection, DriverContract
from drivers.registry import driver_names, load_driver
from simulators.stand import Stand
from tests.timing import limit_s


def device_of(driver: str) -> str:
    """The id of a driver's device: its kind and its lane."""
    return f"{load_driver(driver).info.kind.value}-1"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One simulated range for all these tests; its shooting continues from one test to the next."""
    stand = Stand.start(tmp_path_factory.mktemp("ports"), {device_of(name): name for name in driver_names()})
    yield stand
    stand.stop()


class TestEveryDriver(DriverContract):
    @pytest.fixture
    def time_factor(self, pytestconfig: pytest.Config) -> float:
        return limit_s(pytestconfig, 1.0)

    @pytest.fixture(params=driver_names())
    def connection(self, request: pytest.FixtureRequest, stand: Stand) -> Connection:
        name: str = request.param
        driver = load_driver(name)
        settings = TypeAdapter(driver.info.settings).validate_python({"port": stand.port(device_of(name))})

        return Connection(
            info=driver.info,
            device_id=device_of(name),
            build=lambda clocks: driver(device_of(name), settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )
