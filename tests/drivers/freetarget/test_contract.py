"""The driver keeps the contract over TCP, with the dialects that the suite of all drivers does not cover."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archstats.drivers.contract_suite import Connection, DriverContract
from drivers.freetarget.codec import Dialect
from drivers.freetarget.driver import FreeTarget, FreeTargetSettings
from simulators.stand import Stand
from tests.drivers.freetarget.serial_server import SerialServer
from tests.timing import limit_s

DEVICE = "target-1"


@pytest.fixture(
    scope="module", params=[Dialect.V4, *(pytest.param(other, marks=pytest.mark.long) for other in ("v3", "v6"))]
)
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The simulated target in a process of its own."""
    driver = f"{FreeTarget.info.name}:1:{request.param}"
    stand = Stand.start(tmp_path_factory.mktemp("ports"), {DEVICE: driver})
    yield stand
    stand.stop()


@pytest.fixture(scope="module")
def server(stand: Stand) -> Iterator[SerialServer]:
    """The target's port on the network."""
    server = SerialServer(Path(stand.port(DEVICE)))
    yield server
    server.close()


class TestOverTcp(DriverContract):
    @pytest.fixture
    def time_factor(self, pytestconfig: pytest.Config) -> float:
        return limit_s(pytestconfig, 1.0)

    @pytest.fixture
    def connection(self, stand: Stand, server: SerialServer) -> Connection:
        settings = FreeTargetSettings(port=server.url)
        return Connection(
            info=FreeTarget.info,
            device_id=DEVICE,
            build=lambda clocks: FreeTarget(DEVICE, settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )

    @pytest.mark.long  # by default on a terminal, in the suite of all drivers
    async def test_a_silent_device_raises_device_lost(self, connection: Connection, time_factor: float) -> None:
        await super().test_a_silent_device_raises_device_lost(connection, time_factor)

    @pytest.mark.long  # as above
    async def test_events_are_numbered_without_gaps_and_pulses_match(self, connection: Connection) -> None:
        await super().test_events_are_numbered_without_gaps_and_pulses_match(connection)
