"""Simulated Tally target: senses the landings of its lane and speaks the device's bytes."""

from __future__ import annotations

from archstats.drivers import DeviceKind
from archstats.simulators import (
    ClockOptions,
    DeviceSpec,
    Event,
    EventKind,
    LaneDevice,
    SimulatedDevice,
    Simulator,
    World,
    birth_us,
)

from tally_target.codec import Ask, Beat, Decoder, Hit, Identity, encode, split_lines

BEAT_US = 1_000_000
"""Interval between heartbeats."""


class TallyNode:
    """State machine of the device: sensed hits, bytes and time in, lines out."""

    def __init__(self, serial: str, now_us: int) -> None:
        self._identity = Identity(serial, "simulated-1", is_simulated=True)
        self._decoder = Decoder()
        self._hits: list[Hit] = []
        self._up_us = self._beat_us = now_us

    def sense(self, event: Hit, at_us: int) -> None:
        """Store a hit, unless the device is down."""
        if at_us >= self._up_us:
            self._hits.append(event)

    def poll(self, now_us: int) -> list[bytes]:
        """Return the lines that are due."""
        if now_us < self._up_us:
            return []
        lines = [encode(hit) for hit in self._hits]
        self._hits.clear()
        if now_us >= self._beat_us:
            self._beat_us += BEAT_US * ((now_us - self._beat_us) // BEAT_US + 1)
            lines.append(encode(Beat()))
        return lines

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Answer requests for the identity."""
        asked = [message for message in self._decoder.feed(data) if isinstance(message, Ask)]
        return [encode(self._identity) for _ in asked] if now_us >= self._up_us else []

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Forget everything and start again ``blind_us`` later."""
        self._hits.clear()
        self._decoder = Decoder()
        self._up_us = self._beat_us = now_us + blind_us

    def next_due_us(self) -> int:
        """Return the instant of the next heartbeat."""
        return self._up_us if self._hits else self._beat_us


def sense(event: Event) -> Hit | None:
    """The device's own event for an event of the lane; None for one that it does not sense."""
    return Hit(event.x_mm, event.y_mm) if event.kind is EventKind.LANDING else None


def make(spec: DeviceSpec, world: World, now_us: int, clock: ClockOptions) -> SimulatedDevice:
    """Return the device of ``spec``. It has no clock, so ``clock`` has no effect."""
    born_us = birth_us(world, now_us)
    return LaneDevice(spec, world, TallyNode(f"T-{spec.lane:04}", born_us), sense, born_us)


SIMULATOR = Simulator("target.tally", DeviceKind.TARGET, split_lines, make)
