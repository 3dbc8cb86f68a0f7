"""A simulated freETarget wired to a session in simulated time, byte by byte at 115,200 baud."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from drivers.clock.instant import ClockPair
from drivers.contract import Report
from drivers.freetarget.codec import Decoder, Dialect, split_objects
from drivers.freetarget.session import FreeTargetSession
from simulators.devices.clock import AS_DRAWN
from simulators.devices.contract import DeviceSpec
from simulators.devices.freetarget import FreeTargetDevice
from simulators.devices.registry import load_line_simulator
from simulators.wire.fault_plan import NO_FAULTS, FaultPlan
from simulators.wire.faults import FaultyLine
from simulators.world.range import World

BYTE_NS = 86_806
"""Duration of ten bits at 115,200 baud."""
HOST_BOOT = UUID(int=1)
Split = Callable[[bytes], Iterable[bytes]]
"""Cuts a frame into the pieces in which it arrives."""


def bytewise(frame: bytes) -> Iterable[bytes]:
    """Every byte arrives alone."""
    return (bytes((byte,)) for byte in frame)


class EveryCut:
    """Two pieces for each frame; the cut moves by one byte from frame to frame."""

    def __init__(self) -> None:
        self._cut = 0

    def __call__(self, frame: bytes) -> Iterable[bytes]:
        self._cut += 1
        cut = self._cut % len(frame)
        return (frame[:cut], frame[cut:])


def new_target(dialect: Dialect, world: World, lane: int = 1) -> FreeTargetDevice:
    """A simulated target that is present from the world's start."""
    driver = "target.freetarget"
    device = load_line_simulator(driver).make(
        DeviceSpec(f"target-{lane}", driver, lane, dialect), world, world.start_us, AS_DRAWN
    )
    assert isinstance(device, FreeTargetDevice)
    return device


class Wired:
    """The target, the session and the line between them. Monotonic time equals UTC."""

    def __init__(
        self, device: FreeTargetDevice, world: World, split: Split = bytewise, faults: FaultPlan = NO_FAULTS
    ) -> None:
        self.device = device
        self.line = FaultyLine(faults, world.seed, device.spec.name, split_objects)
        self.decoder = Decoder()
        self.reports: list[Report] = []
        self._split = split
        self._now_us = world.start_us
        self._line_ns = 0
        """Instant at which the line is free."""
        start_ns = world.start_us * 1000
        self._pair = ClockPair(start_ns, start_ns)
        self.session = FreeTargetSession("target-1", HOST_BOOT, start_ns)

    def run(self, until_us: int) -> list[Report]:
        """Run up to an instant; the reports so far."""
        while True:
            due_us = min(
                self.device.next_due_us(), -(-self.session.due_ns // 1000), self.line.next_due_us(self._now_us)
            )
            if due_us >= until_us:
                return self.reports
            now_us = self._now_us = max(self._now_us, due_us)
            self.line.from_device(self.device.poll(now_us), now_us)
            command = self.session.transmission(now_us * 1000)
            if command is not None:
                self.line.from_hub(command, now_us)
            for data in self.line.to_device.take(now_us):
                self.line.from_device(self.device.receive(data, now_us), now_us)
            self._deliver(self.line.to_hub.take(now_us))
            self.reports.extend(self.session.reports())

    def _deliver(self, frames: list[bytes]) -> None:
        for frame in frames:
            for piece in self._split(frame):
                self._line_ns = max(self._line_ns, self._now_us * 1000) + len(piece) * BYTE_NS
                for received in self.decoder.feed(piece, self._line_ns):
                    self.session.on_message(received, self._pair)
