"""Connects a simulated device to its port: sends its frames when they are due, and the hub's bytes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from simulators.devices.contract import FaultyDevice, RatedDevice, SimulatedDevice, TagPad, TagState
from simulators.devices.lane_device import LaneDevice
from simulators.hosttime import HostTime
from simulators.wire.bit_rate import heard
from simulators.wire.faults import FaultyLine
from simulators.wire.pty import PortHeld, PtyWire
from simulators.world.range import EventKind


class Station:
    """A device, the line to its hub, and the port at the end of the line."""

    def __init__(
        self,
        device: SimulatedDevice,
        line: FaultyLine,
        port: Path,
        host: HostTime,
        on_reboot: Callable[[int, int], None],
    ) -> None:
        """Create the port. Raises OSError when that fails.

        ``on_reboot`` receives the start and end of each reboot's blind time, in microseconds since the epoch.
        """
        self.device = device
        self.line = line
        self._port = port
        self._host = host
        self._on_reboot = on_reboot
        self._rated = device if isinstance(device, RatedDevice) else None
        self._wire: PtyWire | None = PtyWire(port)
        self._work = asyncio.Event()
        """Set when bytes arrive, or when the device is pressed, or tags are placed on it."""

    async def serve(self) -> NoReturn:
        """Run until cancelled."""
        while True:
            now_us = self._host.now_us()
            self._reboot_if_requested(now_us)
            self.line.from_device(self.device.poll(now_us), now_us)
            for data in self.line.to_device.take(now_us):
                self.line.from_device(self.device.receive(data, now_us), now_us)
            self._send_text_if_requested(now_us)
            self._plug(is_plugged=self.line.is_plugged(now_us))
            pieces = self.line.to_hub.take(now_us)
            if self._wire is not None:
                for piece in pieces:
                    self._wire.write(self._carried(piece, self._wire, to_hub=True))
            await self._wait_for_work(now_us)

    def press(self, x_mm: float, y_mm: float, now_us: int) -> EventKind:
        """Press the device's calibration probe at a point of the butt, or shoot an arrow there if it has none.

        Returns the kind of the event. Raises ValueError for a device that senses no position.
        """
        if not isinstance(self.device, LaneDevice):
            raise ValueError(f"{self.device.spec.name} cannot be pressed")  # noqa: TRY004 - the device, not an argument
        kind = self.device.press(x_mm, y_mm, now_us)
        self._work.set()
        return kind

    @property
    def has_pad(self) -> bool:
        """Whether tags can be placed on the device."""
        return isinstance(self.device, TagPad)

    def place(self, tags: Sequence[str], far: Sequence[str], now_us: int) -> None:
        """Place exactly these tags on the device's pad, and ``far`` ones beside it. Raises ValueError for a device without a pad."""
        self._pad().place(tags, far, now_us)
        self._work.set()

    def placed(self) -> list[TagState]:
        """Return the tags on the device's pad. Raises ValueError for a device without one."""
        return self._pad().placed()

    def counted(self) -> dict[str, dict[str, int]]:
        """Return the count of each fault: towards the hub, towards the device, and of the device and its cable."""
        counted = self.line.counted()
        own: Mapping[str, int] = self.device.faults_counted() if isinstance(self.device, FaultyDevice) else {}
        return {**counted, "node": {**counted["node"], **own}}

    def close(self) -> None:
        """Remove the port."""
        self._plug(is_plugged=False)

    def _pad(self) -> TagPad:
        if not isinstance(self.device, TagPad):
            raise ValueError(f"{self.device.spec.name} has no pad for tags")  # noqa: TRY004 - the device, not an argument
        return self.device

    def _reboot_if_requested(self, now_us: int) -> None:
        """Reboot at an instant at which no event is lost; until then continue."""
        blind_us = self.line.requested_blind_us
        if blind_us is not None and self.device.may_reboot(now_us, blind_us):
            self.device.reboot(now_us, blind_us)
            self.line.requested_blind_us = None
            self._on_reboot(now_us, now_us + blind_us)

    def _send_text_if_requested(self, now_us: int) -> None:
        number, self.line.requested_text = self.line.requested_text, None
        if number is not None:
            self.line.from_device(self.device.hurting_texts(number, now_us), now_us)

    def _plug(self, *, is_plugged: bool) -> None:
        if is_plugged and self._wire is None:
            with suppress(PortHeld):  # taken while it was unplugged: this device waits until the port is free
                self._wire = PtyWire(self._port)
        elif not is_plugged and self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _wait_for_work(self, now_us: int) -> None:
        """Wait until the next frame is due or the hub sends bytes, and pass these on."""
        due_us = min(self.device.next_due_us(), self.line.next_due_us(now_us))
        timeout_s = max(due_us - self._host.now_us(), 0) / 1_000_000
        if self._wire is None:
            await asyncio.sleep(timeout_s)
            return
        await _wait_readable(self._wire, self._work, timeout_s)
        received = self._wire.read()
        if received:
            self.line.from_hub(self._carried(received, self._wire, to_hub=False), self._host.now_us())

    def _carried(self, data: bytes, wire: PtyWire, *, to_hub: bool) -> bytes:
        """The bytes that reach the other end, which may have another bit rate."""
        if self._rated is None:
            return data
        own = self._rated.baud
        hub = wire.baud or own
        return heard(data, own, hub) if to_hub else heard(data, hub, own)


async def _wait_readable(wire: PtyWire, work: asyncio.Event, timeout_s: float) -> None:
    """Wait for bytes, other work or the timeout, and meanwhile send the buffered bytes."""
    loop = asyncio.get_running_loop()
    loop.add_reader(wire.fileno(), work.set)
    if wire.has_buffered:
        loop.add_writer(wire.fileno(), _flush, loop, wire)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await work.wait()
    finally:
        work.clear()
        loop.remove_reader(wire.fileno())
        loop.remove_writer(wire.fileno())


def _flush(loop: asyncio.AbstractEventLoop, wire: PtyWire) -> None:
    wire.flush()
    if not wire.has_buffered:
        loop.remove_writer(wire.fileno())
