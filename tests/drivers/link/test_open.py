"""Opening a link driver: who answers, who does not, and what is said about it."""

from __future__ import annotations

import asyncio
import struct
import time
import zlib

import pytest
from pydantic import ValidationError

from drivers.contract import (
    Command,
    DeviceKind,
    Reading,
    Source,
    stream_of,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError, ProtocolError
from drivers.link import driver as link_node
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

SPOKEN_TO_S = 1.0
"""For MEET_S where something must be heard in it: the test that says it may stand still for a moment."""


async def test_open_says_who_is_there(far: FarEnd) -> None:
    async with alive(ScriptedNode(far)) as node:
        driver = bow(far)
        identity = await driver.open()
        await driver.close()

    assert (identity.device_id, identity.kind, identity.source) == ("bow-1", DeviceKind.BOW, Source.HARDWARE)
    assert identity.stream_id == stream_of("bow-1", 3, 1000)
    assert (identity.firmware, identity.serial) == ("scripted", "node 3")
    assert any(isinstance(frame.message, HelloRequest) for frame in node.heard)


async def test_a_simulator_is_never_taken_for_hardware(far: FarEnd) -> None:
    async with alive(ScriptedNode(far, capabilities=CAPABLE | NodeCapability.SIMULATOR)) as node:
        driver = bow(far)
        assert (await driver.open()).source is Source.SIMULATOR
        async with listening(driver) as listener:
            node.say(Engage(-50, TAG), seq=1)
            assert (await listener.next(Reading)).source is Source.SIMULATOR


async def test_a_silent_line_is_nobody(
    far: FarEnd, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setattr(link_node, "MEET_S", 0.5)
    driver = bow(far)
    before = time.monotonic()
    with pytest.raises(DeviceUnavailable, match="no node answers") as told:
        await driver.open()
    await driver.close()
    assert 0.5 <= time.monotonic() - before < limit_s(pytestconfig, 2.0)
    assert "switched on" in told.value.hint


async def test_a_target_node_on_a_bows_port_is_a_fault_with_a_remedy(far: FarEnd) -> None:
    async with alive(ScriptedNode(far, kind=NodeKind.TARGET)):
        driver = bow(far)
        with pytest.raises(ProtocolError, match="a target node") as told:
            await driver.open()
        await driver.close()
    assert "ARCH_STATS_DRIVER" in told.value.hint


async def test_another_node_than_the_wanted_one_is_named(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_node, "MEET_S", SPOKEN_TO_S)
    async with alive(ScriptedNode(far, number=5)) as node:
        driver = bow(far, node=3)
        opening = asyncio.create_task(driver.open())
        while not opening.done():
            node.beat()
            await asyncio.wait((opening,), timeout=0.2)
        with pytest.raises(DeviceUnavailable, match="other nodes on the line: 5") as told:
            opening.result()
        await driver.close()
    assert "ARCH_STATS_NODE" in told.value.hint


def of_version_2() -> bytes:
    body = struct.pack(">BBHIIQ", 2, 7, 3, 1000, 0, 5) + b"what version 2 says"
    return cobs.encode(body + struct.pack(">I", zlib.crc32(body))) + b"\0"


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        pytest.param(b"\x05\x02\x07\x03\x01" * 9 + b"\x00", "not the Arch-Stats link", id="noise"),
        pytest.param(of_version_2(), "another version", id="version 2"),
    ],
)
async def test_what_speaks_otherwise_is_told_apart(
    far: FarEnd, noise: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_node, "MEET_S", SPOKEN_TO_S)
    driver = bow(far)
    opening = asyncio.create_task(driver.open())
    while not opening.done():
        far.send_some(noise)
        await asyncio.wait((opening,), timeout=0.1)
    with pytest.raises(ProtocolError, match=message):
        opening.result()
    await driver.close()


async def test_closing_in_any_state_is_harmless(far: FarEnd) -> None:
    driver = bow(far)
    await driver.close()
    with pytest.raises(DeviceLost):
        await driver.execute(Command("read_config"))
    async with alive(ScriptedNode(far)):
        await driver.open()
        await asyncio.gather(driver.close(), driver.close())
        await driver.close()
    assert driver.counters()["received"] > 0


async def test_a_port_that_is_no_port_is_a_fault_of_the_settings() -> None:
    driver = BowLink("bow-1", LinkSettings(port="loop://"))
    with pytest.raises(DriverConfigError):
        await driver.open()
    await driver.close()


@pytest.mark.parametrize(
    "wrong", [{}, {"port": ""}, {"port": "x", "node": 65535}, {"port": "x", "baud": 0}, {"port": "x", "speed": 1}]
)
def test_settings_are_strict(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LinkSettings.model_validate(wrong)


async def test_noise_without_end_is_told_in_time(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_node, "MEET_S", SPOKEN_TO_S)
    driver = bow(far)
    opening = asyncio.create_task(driver.open())
    async with asyncio.timeout(20):
        while not opening.done():
            far.send_some(b"\x05\x02\x07\x03\x01\x00" * 10)
            await asyncio.sleep(0)
    with pytest.raises(ProtocolError, match="not the Arch-Stats link"):
        opening.result()
    await driver.close()
