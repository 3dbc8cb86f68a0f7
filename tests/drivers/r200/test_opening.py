"""The reader on a port is found at any bit rate and in both dialects, and other devices are named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import DeviceUnavailable, DriverError, ProtocolError
from drivers.r200 import opening
from drivers.r200.codec import Dialect, GetInfo, Info, InfoKind, SetBaud, encode_answer, encode_command
from drivers.r200.driver import ArrowReader
from drivers.r200.opening import find_reader
from drivers.r200.settings import BAUDS, R200Settings, RegionName
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import Chunk, SerialCounters
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.hosttime import HostTime
from simulators.stand import served
from tests.drivers.r200.connected import DEVICE, settings

REQUESTS = [encode_command(GetInfo(InfoKind.HARDWARE), dialect) for dialect in Dialect]
Far = Callable[[int, bytes], bytes]
"""The bytes that arrive after a request at a bit rate."""


class FakePort:
    """A port at one bit rate."""

    def __init__(self, baud: int, far: Far) -> None:
        self.counters = SerialCounters()
        self.baud = baud
        self.is_open = True
        self._far = far
        self._arrived = b""

    async def read(self, timeout_s: float) -> Chunk | None:
        data, self._arrived = self._arrived, b""
        if not data:
            await asyncio.sleep(min(timeout_s, 0.001))
        return Chunk(data, 1) if data else None

    def write(self, data: bytes) -> bool:
        answer = self._far(self.baud, data)
        self.counters.received += len(answer)
        self._arrived += answer
        return True

    async def close(self) -> None:
        self.is_open = False


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[FakePort]:
    monkeypatch.setattr(opening, "PROBE_S", 0.005)
    return []


def serve(monkeypatch: pytest.MonkeyPatch, ports: list[FakePort], far: Far) -> None:
    async def open_port(name: str, *, device: str, baud: int) -> FakePort:
        assert (name, device) == ("/dev/ttyUSB0", "arrow-1") or name.startswith("socket:")
        assert not any(port.is_open for port in ports)
        ports.append(FakePort(baud, far))
        return ports[-1]

    monkeypatch.setattr(opening, "open_port", open_port)


async def found(port: str = "/dev/ttyUSB0", baud: int | None = None) -> Dialect:
    settings = R200Settings(port=port, region=RegionName.EU, baud=baud)
    return (await find_reader("arrow-1", settings, FlightRecorder(lambda data: [data])))[1]


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("baud", BAUDS)
async def test_the_bit_rate_and_the_dialect_are_found(
    monkeypatch: pytest.MonkeyPatch, ports: list[FakePort], baud: int, dialect: Dialect
) -> None:
    own = REQUESTS[list(Dialect).index(dialect)]

    def far(at: int, data: bytes) -> bytes:
        return encode_answer(Info(InfoKind.HARDWARE, "M100"), dialect) if at == baud and data == own else b""

    serve(monkeypatch, ports, far)
    assert await found() is dialect
    assert [port.baud for port in ports] == list(BAUDS[: BAUDS.index(baud) + 1])
    assert ports[-1].is_open


@pytest.mark.parametrize(
    ("port", "baud", "tried"),
    [
        ("/dev/ttyUSB0", None, list(BAUDS)),
        ("/dev/ttyUSB0", 9_600, [9_600]),
        ("socket://host:4001", None, [115_200]),
    ],
)
@pytest.mark.parametrize(
    ("far", "error", "message"),
    [
        (lambda _at, _data: b"", DeviceUnavailable, "no R200 or M100 reader answers"),
        (lambda _at, _data: b"READY\r\n", ProtocolError, "are not those of an R200 or M100 reader"),
        (lambda _at, data: data, ProtocolError, "are not those of an R200 or M100 reader"),
    ],
)
async def test_what_is_no_reader_is_named(
    monkeypatch: pytest.MonkeyPatch,
    ports: list[FakePort],
    far: Far,
    error: type[DriverError],
    message: str,
    port: str,
    baud: int | None,
    tried: list[int],
) -> None:
    serve(monkeypatch, ports, far)
    with pytest.raises(error, match=message) as raised:
        await found(port, baud)
    assert raised.value.hint
    assert [one.baud for one in ports] == tried
    assert not any(one.is_open for one in ports)


@pytest.mark.parametrize("baud", [9_600, *(pytest.param(baud, marks=[pytest.mark.long]) for baud in BAUDS[2:])])
async def test_a_reader_with_another_bit_rate_is_heard(tmp_path: Path, baud: int) -> None:
    port = tmp_path / DEVICE
    async with served(DeviceSpec(DEVICE, "arrow.r200", 1), port) as device:
        assert isinstance(device, Scanner)
        device.receive(encode_command(SetBaud(baud), Dialect.M100), HostTime.anchor().now_us())
        driver = ArrowReader(DEVICE, settings(port))
        await driver.open()
        await driver.close()
        assert device.baud == baud, "the driver leaves it as it is"
        with pytest.raises(DriverError):
            await ArrowReader(DEVICE, replace(settings(port), baud=115_200)).open()
