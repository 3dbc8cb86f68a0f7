"""The thread that drives the pins of one simulated device, as a contact outside would: unasked, and from elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from drivers.transport.gpio import simulate_pins
from drivers.transport.simulated_pins import SimulatedFactory
from simulators.devices.contract import DeviceSpec, PinDevice, PinSimulator
from simulators.hosttime import HostTime
from simulators.world.range import World

STOP_S = 1.0
LONGEST_WAIT_S = 1.0
"""Longest sleep between two looks at the device."""


class PinThread:
    """A simulated device at the pins of this process, while the block runs.

    The pins are those of the simulator, whichever chip the driver names.
    """

    def __init__(self, simulator: PinSimulator, spec: DeviceSpec, world: World) -> None:
        self.factory = SimulatedFactory()
        self._simulator = simulator
        self._spec = spec
        self._world = world
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        host = HostTime.anchor()
        device = self._simulator.make(self._spec, self._world, host.now_us())
        for pin, level in device.levels().items():
            self.factory.drive((pin, level, host.mono_ns))
        simulate_pins(self.factory)
        self._thread = threading.Thread(
            target=self._run, args=(device, host), name=f"{self._spec.name} pins", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self.factory.thaw()
        if self._thread is not None:
            self._thread.join(STOP_S)
        simulate_pins(None)

    def freeze(self) -> None:
        """Let every look at a pin wait, as at a chip that hangs."""
        self.factory.freeze()

    def thaw(self) -> None:
        """Let the pins answer again."""
        self.factory.thaw()

    def _run(self, device: PinDevice, host: HostTime) -> None:
        while not self._stop.is_set():
            moves = [
                (change.pin, change.level, host.mono_ns + (change.at_us - host.utc_us) * 1000, change.reported)
                for change in device.poll(host.now_us())
            ]
            if moves:
                self.factory.drive(*moves)
            wait_s = (device.next_due_us() - host.now_us()) / 1e6
            self._stop.wait(min(max(wait_s, 0.0), LONGEST_WAIT_S))
