"""Keeps a simulated device talking: its frames go out at their instants, what the hub says goes in at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from simulators.devices.lane_device import LaneDevice
from simulators.hosttime import HostTime
from simulators.wire.faults import FaultyLine
from simulators.wire.pty import PtyWire


class Station:
    """A device, the line to its hub, and the port at the end of it."""

    def __init__(
        self,
        device: LaneDevice,
        line: FaultyLine,
        port: Path,
        host: HostTime,
        rebooted: Callable[[int, int], None],
    ) -> None:
        """Make the port; raises OSError when that cannot be done.

        ``rebooted`` hears from when to when a reboot makes the device blind, in microseconds since the epoch.
        """
        self.device = device
        self.line = line
        self._port = port
        self._host = host
        self._rebooted = rebooted
        self._wire: PtyWire | None = PtyWire(port)

    async def serve(self) -> NoReturn:
        """Run until cancelled."""
        while True:
            now_us = self._host.now_us()
            self._reboot_if_wanted(now_us)
            self.line.node_says(self.device.poll(now_us), now_us)
            for data in self.line.to_node.take(now_us):
                self.line.node_says(self.device.receive(data, now_us), now_us)
            self._plug(is_plugged=self.line.is_plugged(now_us))
            pieces = self.line.to_hub.take(now_us)
            if self._wire is not None:
                for piece in pieces:
                    self._wire.write(piece)
            await self._something_to_do(now_us)

    def close(self) -> None:
        """Take the port away."""
        self._plug(is_plugged=False)

    def _reboot_if_wanted(self, now_us: int) -> None:
        """Reboot at a moment when no truth is lost by it; until then go on."""
        blind_us = self.line.wanted_blind_us
        if blind_us is not None and self.device.may_reboot(now_us, blind_us):
            self.device.reboot(now_us, blind_us)
            self.line.wanted_blind_us = None
            self._rebooted(now_us, now_us + blind_us)

    def _plug(self, *, is_plugged: bool) -> None:
        if is_plugged and self._wire is None:
            self._wire = PtyWire(self._port)
        elif not is_plugged and self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _something_to_do(self, now_us: int) -> None:
        """Wait until the hub said something, and take it, or until the next frame is due."""
        due_us = min(self.device.next_due_us(), self.line.next_due_us(now_us))
        timeout_s = max(due_us - self._host.now_us(), 0) / 1_000_000
        if self._wire is None:
            await asyncio.sleep(timeout_s)
            return
        await _readable(self._wire, timeout_s)
        heard = self._wire.read()
        if heard:
            self.line.hub_says(heard, self._host.now_us())


async def _readable(wire: PtyWire, timeout_s: float) -> None:
    """Wait for bytes or the time; meanwhile send what the terminal did not take yet."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_reader(wire.fileno(), heard.set)
    if wire.has_waiting:
        loop.add_writer(wire.fileno(), _send_on, loop, wire)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await heard.wait()
    finally:
        loop.remove_reader(wire.fileno())
        loop.remove_writer(wire.fileno())


def _send_on(loop: asyncio.AbstractEventLoop, wire: PtyWire) -> None:
    wire.flush()
    if not wire.has_waiting:
        loop.remove_writer(wire.fileno())
