"""Keeps a simulated device talking: its frames go out at their instants, what the hub says goes in at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NoReturn

from simulators.devices.lane_device import LaneDevice
from simulators.hosttime import HostTime
from simulators.wire import PtyWire


async def serve(device: LaneDevice, wire: PtyWire, host: HostTime) -> NoReturn:
    """Run a device on a wire until cancelled."""
    while True:
        for frame in device.poll(host.now_us()):
            wire.write(frame)
        await _something_to_do(wire, (device.next_due_us() - host.now_us()) / 1_000_000)
        heard = wire.read()
        if heard:
            for frame in device.receive(heard, host.now_us()):
                wire.write(frame)


async def _something_to_do(wire: PtyWire, timeout_s: float) -> None:
    """Wait until the hub said something or the time is up; meanwhile send what the terminal did not take yet."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_reader(wire.fileno(), heard.set)
    if wire.has_waiting:
        loop.add_writer(wire.fileno(), _send_on, loop, wire)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(timeout_s, 0)):
                await heard.wait()
    finally:
        loop.remove_reader(wire.fileno())
        loop.remove_writer(wire.fileno())


def _send_on(loop: asyncio.AbstractEventLoop, wire: PtyWire) -> None:
    wire.flush()
    if not wire.has_waiting:
        loop.remove_writer(wire.fileno())
