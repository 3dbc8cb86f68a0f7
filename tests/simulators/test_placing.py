"""Tags placed on a simulated scanner that serves a terminal, and its own faults on that line."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from drivers.r200 import codec as r200
from simulators.control import Place, Press, Refused, parse_request, serve_request, tags_in
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceFault, DeviceSpec, FaultyDevice, TagPad
from simulators.hosttime import HostTime
from simulators.process import ProcessEvent, ProcessOptions, serve
from simulators.stand import served
from simulators.wire.fault_plan import NO_FAULTS, parse_plan
from simulators.wire.faults import FaultyLine
from simulators.wire.station import Station
from simulators.world.range import World
from tests.eventually import eventually
from tests.simulators.devices.r200_host import WORLD, scanner

SPEC = DeviceSpec("arrow-1", "arrow.r200", 1)
ANSWERED_S = 10.0


@asynccontextmanager
async def line(port: Path) -> AsyncIterator[int]:
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    set_baud(fd, termios.B115200)
    try:
        yield fd
    finally:
        os.close(fd)


def set_baud(fd: int, speed: int) -> None:
    attributes = termios.tcgetattr(fd)
    attributes[4:6] = [speed, speed]
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


async def answer(fd: int, command: r200.HostCommand, *before: r200.HostCommand) -> r200.Answer:
    """Send commands, and wait for the answer to ``command``, the last one."""
    decoder, ready = r200.Decoder(), asyncio.Event()
    asyncio.get_running_loop().add_reader(fd, ready.set)
    try:
        os.write(fd, b"".join(r200.encode_command(one, r200.Dialect.M100) for one in (*before, command)))
        async with asyncio.timeout(ANSWERED_S):
            while True:
                await ready.wait()
                ready.clear()
                received = b""
                with suppress(BlockingIOError):
                    received = os.read(fd, 4096)
                for frame in decoder.feed(received):
                    found = r200.answer_of(frame)
                    if found is not None and found.code == command.code:
                        return found
    finally:
        asyncio.get_running_loop().remove_reader(fd)


async def test_placed_tags_are_read_through_the_terminal(tmp_path: Path) -> None:
    async with served(SPEC, tmp_path / "arrow") as device, line(tmp_path / "arrow") as fd:
        assert isinstance(device, Scanner)
        (blank,) = device.placed()
        seen = await answer(fd, r200.INVENTORY)
        assert isinstance(seen, r200.Notice)
        assert seen.epc.hex() == blank.epc
        device.place(["programmed"], [], HostTime.anchor().now_us())
        tag = device.pad.tags[0].tag
        seen = await answer(fd, r200.INVENTORY)
        assert isinstance(seen, r200.Notice)
        assert seen.epc == tag.epc
        await answer(fd, r200.WriteBank(r200.Bank.EPC, 1, bytes.fromhex("4000") + bytes(16)))
        assert tag.epc_memory == bytes(16)


async def test_commands_are_understood_at_the_readers_bit_rate_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(SPEC, tmp_path / "arrow") as device, line(tmp_path / "arrow") as fd:
        assert isinstance(device, Scanner)
        os.write(fd, r200.encode_command(r200.SetBaud(19_200), r200.Dialect.M100))
        await eventually(lambda: device.baud == 19_200)
        arrived: list[bytes] = []

        def receive(data: bytes, now_us: int) -> list[bytes]:
            arrived.append(data)
            return device.reader.receive(data, now_us)

        monkeypatch.setattr(device, "receive", receive)
        os.write(fd, r200.encode_command(r200.SetPower(1_500), r200.Dialect.M100))
        await eventually(lambda: bool(arrived))
        assert r200.encode_command(r200.SetPower(1_500), r200.Dialect.M100) not in arrived
        set_baud(fd, termios.B19200)
        assert await answer(fd, r200.GET_POWER) == r200.PowerIs(2_000)
        os.write(fd, r200.encode_command(r200.SetBaud(12_300), r200.Dialect.M100))
        assert await answer(fd, r200.GET_POWER) == r200.PowerIs(2_000), "a rate that it does not know"


async def test_faults_of_the_device_are_those_of_the_plan(tmp_path: Path) -> None:
    faults = parse_plan("garbage=1,late=1")
    async with served(SPEC, tmp_path / "arrow", faults=faults) as device, line(tmp_path / "arrow") as fd:
        began = asyncio.get_running_loop().time()
        await answer(fd, r200.GET_POWER)
        assert asyncio.get_running_loop().time() - began >= 0.6
        assert isinstance(device, FaultyDevice)
        assert device.faults_counted() == {DeviceFault.GARBAGE: 1, DeviceFault.LATE: 1}


def station(tmp_path: Path, name: str = "arrow-1") -> Station:
    device = scanner()
    line = FaultyLine(NO_FAULTS, 1, name, lambda data: ([], data))
    return Station(device, line, tmp_path / name, HostTime.anchor(), lambda _since, _until: None)


def test_request_is_answered_with_the_tags(tmp_path: Path) -> None:
    host, one = HostTime.anchor(), station(tmp_path)
    try:
        stations = {"arrow-1": one}
        placed = tags_in(serve_request(stations, WORLD, host, Place("arrow-1", ["blank", "small"], ["programmed"])))
        assert [(tag.name, tag.place) for tag in placed] == [("blank", "pad"), ("small", "pad"), ("programmed", "far")]
        assert isinstance(one.device, TagPad)
        assert placed == one.device.placed() == tags_in(serve_request(stations, WORLD, host, Place("arrow-1")))
        with pytest.raises(Refused, match="'red' is no tag that was on this pad") as refused:
            serve_request(stations, WORLD, host, Place("arrow-1", ["red"]))
        assert (
            refused.value.hint
            == "Write more of its TID or EPC, or one of: blank, permalocked, password, small, programmed."
        )
        with pytest.raises(Refused, match="bow-1 is no simulated scanner of this range") as refused:
            serve_request(stations, WORLD, host, Place("bow-1", []))
        assert refused.value.hint == "Choose one of: arrow-1."
        with pytest.raises(Refused, match="arrow-1 cannot be pressed"):
            serve_request(stations, WORLD, host, Press("arrow-1", 1.0, 1.0))
        assert placed == one.device.placed()
    finally:
        one.close()


def test_requests_survive_their_way() -> None:
    for request in (
        Place("arrow-1", ["blank"], ["e2"]),
        Place("arrow-1", []),
        Place("arrow-1"),
        Press("target-1", 1.0, 2.0),
    ):
        sent = parse_request(request.to_json())
        assert sent.to_json() == request.to_json()
    with pytest.raises(Refused):
        parse_request(b'{"place": "arrow-1", "tags": 7}\n')


async def test_process_serves_scanners_with_their_faults(tmp_path: Path) -> None:
    options = ProcessOptions({SPEC: tmp_path / "arrow-1"}, faults=parse_plan("missum=1"))
    ready = asyncio.Event()
    reported: list[Mapping[str, object]] = []

    def report(event: Mapping[str, object]) -> None:
        reported.append(event)
        ready.set()

    serving = asyncio.create_task(serve(World(7, HostTime.anchor().now_us()), options, report))
    async with asyncio.timeout(ANSWERED_S):
        await ready.wait()
        async with line(tmp_path / "arrow-1") as fd:
            missed = r200.SetSelect(r200.Select.by_tid(bytes(12)))
            await answer(fd, r200.GET_POWER, missed, r200.WriteBank(r200.Bank.USER, 0, bytes(2)))
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
    assert [event["event"] for event in reported] == [ProcessEvent.READY, ProcessEvent.END]
    assert "'node': {'missum': 1}" in str(reported[-1])
