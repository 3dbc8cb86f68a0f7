"""Opening a link driver: identities and errors."""

from __future__ import annotations

import asyncio
import struct
import time
import zlib

import pytest
from pydantic import TypeAdapter, ValidationError

from drivers.contract import (
    Command,
    DeviceKind,
    Reading,
    Source,
    stream_of,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError, ProtocolError
from drivers.link import driver as driver_module
from drivers.link.codec import (
    Engage,
    HelloRequest,
    NodeCapability,
    NodeKind,
    cobs,
)
from drivers.link.driver import BowLink, LinkSettings
from tests.drivers.link.fake_node import CAPABLE, ScriptedNode, alive
from tests.drivers.listening import TAG, bow, listening
from tests.drivers.serial_lines import FarEnd
from tests.timing import limit_s

MEET_S = 1.0
"""Substitute for the driver's deadline in tests that must send something before it."""


async def test_open_returns_the_identity_of_the_node(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        identity = await driver.open()
        await driver.close()

    assert (identity.device_id, identity.kind, identity.source) == ("bow-1", DeviceKind.BOW, Source.HARDWARE)
    assert identity.stream_id == stream_of("bow-1", 3, 1000)
    assert (identity.firmware, identity.serial) == ("scripted", "node 3")
    assert any(isinstance(frame.message, HelloRequest) for frame in node.received)


async def test_a_simulated_node_is_marked_as_simulator(far: FarEnd) -> None:
    async with alive(ScriptedNode(far, capabilities=CAPABLE | NodeCapability.SIMULATOR)) as node:
        driver = bow(far)
        assert (await driver.open()).source is Source.SIMULATOR
        async with listening(driver) as listener:
            node.send(Engage(-50, TAG), seq=1)
            assert (await listener.next(Reading)).source is Source.SIMULATOR


async def test_a_silent_line_is_device_unavailable(
    far: FarEnd, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setattr(driver_module, "MEET_S", 0.5)
    driver = bow(far)
    before = time.monotonic()
    with pytest.raises(DeviceUnavailable, match="no node answers") as raised:
        await driver.open()
    await driver.close()
    assert 0.5 <= time.monotonic() - before < limit_s(pytestconfig, 2.0)
    assert "switched on" in raised.value.hint


async def test_a_target_node_on_a_bows_port_is_refused(far: FarEnd) -> None:
    async with alive(ScriptedNode(far, kind=NodeKind.TARGET)):
        driver = bow(far)
        with pytest.raises(ProtocolError, match="a target node") as raised:
            await driver.open()
        await driver.close()
    assert "ARCH_STATS_DRIVER" in raised.value.hint


async def test_the_error_names_the_other_nodes_on_the_line(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "MEET_S", MEET_S)
    async with alive(ScriptedNode(far, number=5)) as node:
        driver = bow(far, node=3)
        opening = asyncio.create_task(driver.open())
        while not opening.done():
            node.beat()
            await asyncio.wait((opening,), timeout=0.2)
        with pytest.raises(DeviceUnavailable, match="other nodes on the line: 5") as raised:
            opening.result()
        await driver.close()
    assert "ARCH_STATS_NODE" in raised.value.hint


def of_version_2() -> bytes:
    body = struct.pack(">BBHIIQ", 2, 7, 3, 1000, 0, 5) + b"payload of version 2"
    return cobs.encode(body + struct.pack(">I", zlib.crc32(body))) + b"\0"


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        pytest.param(b"\x05\x02\x07\x03\x01" * 9 + b"\x00", "not the Arch-Stats link", id="noise"),
        pytest.param(of_version_2(), "another version", id="version 2"),
    ],
)
async def test_noise_and_another_version_have_their_own_errors(
    far: FarEnd, noise: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "MEET_S", MEET_S)
    driver = bow(far)
    opening = asyncio.create_task(driver.open())
    while not opening.done():
        far.send_some(noise)
        await asyncio.wait((opening,), timeout=0.1)
    with pytest.raises(ProtocolError, match=message):
        opening.result()
    await driver.close()


async def test_close_is_harmless_in_any_state(far: FarEnd) -> None:
    driver = bow(far)
    await driver.close()
    with pytest.raises(DeviceLost):
        await driver.execute(Command("read_config"))
    async with alive(ScriptedNode(far)):
        await driver.open()
        await asyncio.gather(driver.close(), driver.close())
        await driver.close()
    assert driver.counters()["received"] > 0


async def test_an_invalid_port_is_a_configuration_error() -> None:
    driver = BowLink("bow-1", LinkSettings(port="loop://"))
    with pytest.raises(DriverConfigError):
        await driver.open()
    await driver.close()


@pytest.mark.parametrize(
    "wrong", [{}, {"port": ""}, {"port": "x", "node": 65535}, {"port": "x", "baud": 0}, {"port": "x", "speed": 1}]
)
def test_settings_are_strict(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(LinkSettings).validate_python(wrong)


async def test_open_ends_in_time_despite_endless_noise(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "MEET_S", MEET_S)
    driver = bow(far)
    opening = asyncio.create_task(driver.open())
    async with asyncio.timeout(20):
        while not opening.done():
            far.send_some(b"\x05\x02\x07\x03\x01\x00" * 10)
            await asyncio.sleep(0)
    with pytest.raises(ProtocolError, match="not the Arch-Stats link"):
        opening.result()
    await driver.close()
