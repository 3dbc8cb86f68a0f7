"""The driver keeps the contract over TCP and with the frames of present R200 boards; on a terminal it does in the suite of all drivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archstats.drivers.contract_suite import Connection, DriverContract
from drivers.r200.driver import ArrowReader
from drivers.r200.settings import R200Settings, RegionName
from simulators.devices.arrow_r200 import Variant
from simulators.stand import Stand
from tests.drivers.freetarget.serial_server import SerialServer
from tests.timing import limit_s

pytestmark = pytest.mark.long
DEVICE = "arrow-1"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The simulated scanner in a process of its own."""
    stand = Stand.start(tmp_path_factory.mktemp("ports"), {DEVICE: f"{ArrowReader.info.name}:1:{Variant.LANE_AA}"})
    yield stand
    stand.stop()


@pytest.fixture(scope="module")
def server(stand: Stand) -> Iterator[SerialServer]:
    """The scanner's port on the network."""
    server = SerialServer(Path(stand.port(DEVICE)))
    yield server
    server.close()


class TestOverTcp(DriverContract):
    @pytest.fixture
    def time_factor(self, pytestconfig: pytest.Config) -> float:
        return limit_s(pytestconfig, 1.0)

    @pytest.fixture
    def connection(self, stand: Stand, server: SerialServer) -> Connection:
        settings = R200Settings(port=server.url, region=RegionName.EU, poll_ms=50, debounce_s=0.4)
        return Connection(
            info=ArrowReader.info,
            device_id=DEVICE,
            build=lambda clocks: ArrowReader(DEVICE, settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )
