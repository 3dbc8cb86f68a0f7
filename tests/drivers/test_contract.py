"""Every driver in the registry keeps the contract, on its simulated device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers.registry import driver_names, load_driver
from tests.drivers.contract_suite import Connection, DriverContract
from tests.drivers.simulated import Stand, device_of, start_stand


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One range for all these tests: its shooting goes on from one to the next."""
    stand = start_stand(tmp_path_factory.mktemp("ports"))
    yield stand
    stand.stop()


class TestEveryDriver(DriverContract):
    @pytest.fixture(params=driver_names())
    def connection(self, request: pytest.FixtureRequest, stand: Stand) -> Connection:
        name: str = request.param
        driver = load_driver(name)
        settings = driver.info.settings.model_validate({"port": stand.port(name)})

        return Connection(
            info=driver.info,
            device_id=device_of(name),
            build=lambda clocks: driver(device_of(name), settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )
