"""Simulated Gong target: senses the landings of its lane and speaks the device's bytes."""

from __future__ import annotations

from dataclasses import dataclass

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

from gong_target.codec import Ask, Beat, Decoder, Hit, Identity, Stored, encode, split_lines

BEAT_US = 1_000_000
"""Interval between heartbeats."""
REPEAT_US = 500_000
"""Interval between two sendings of one hit."""


@dataclass(frozen=True, slots=True)
class Place:
    """Position of an impact in millimetres; None for an unknown value."""

    x_mm: float | None
    y_mm: float | None


@dataclass(slots=True)
class Kept:
    """A hit without an acknowledgement."""

    boot: int
    seq: int
    at_us: int | None
    """Instant of the impact; None after a reboot."""
    place: Place
    due_us: int


class GongNode:
    """State machine of the device: sensed hits, bytes and time in, lines out."""

    def __init__(self, serial: str, now_us: int) -> None:
        self._serial = serial
        self._boot = 1
        self._last_seq = self._previous_last_seq = 0
        self._decoder = Decoder()
        self._kept: dict[tuple[int, int], Kept] = {}
        self._up_us = self._beat_us = now_us

    def sense(self, event: Place, at_us: int) -> None:
        """Store a hit, unless the device is down."""
        if at_us >= self._up_us:
            self._last_seq += 1
            self._kept[self._boot, self._last_seq] = Kept(self._boot, self._last_seq, at_us, event, at_us)

    def poll(self, now_us: int) -> list[bytes]:
        """Return the lines that are due."""
        if now_us < self._up_us:
            return []
        lines = []
        for kept in self._kept.values():
            if now_us >= kept.due_us:
                kept.due_us = now_us + REPEAT_US
                age_ms = None if kept.at_us is None else (now_us - kept.at_us) // 1000
                lines.append(encode(Hit(kept.boot, kept.seq, age_ms, kept.place.x_mm, kept.place.y_mm)))
        if now_us >= self._beat_us:
            self._beat_us += BEAT_US * ((now_us - self._beat_us) // BEAT_US + 1)
            lines.append(encode(Beat(self._boot, self._last_seq, len(self._kept))))
        return lines

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Answer requests for the identity, and forget acknowledged hits."""
        if now_us < self._up_us:
            return []
        answers = []
        for message in self._decoder.feed(data):
            match message:
                case Ask():
                    answers.append(encode(self._identity(now_us)))
                case Stored(boot, seq):
                    self._kept.pop((boot, seq), None)
                case _:
                    pass
        return answers

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Start the next boot ``blind_us`` later; kept hits lose their age."""
        self._boot, self._previous_last_seq, self._last_seq = self._boot + 1, self._last_seq, 0
        self._decoder = Decoder()
        self._up_us = self._beat_us = now_us + blind_us
        for kept in self._kept.values():
            kept.at_us, kept.due_us = None, self._up_us

    def _identity(self, now_us: int) -> Identity:
        uptime_ms = (now_us - self._up_us) // 1000
        return Identity(self._serial, self._boot, uptime_ms, self._previous_last_seq, "simulated-1", is_simulated=True)

    def next_due_us(self) -> int:
        """Return the instant of the next line."""
        return min([self._beat_us, *(max(kept.due_us, self._up_us) for kept in self._kept.values())])


def sense(event: Event) -> Place | None:
    """The device's own event for an event of the lane; None for one that it does not sense."""
    return Place(event.x_mm, event.y_mm) if event.kind is EventKind.LANDING else None


def make(spec: DeviceSpec, world: World, now_us: int, clock: ClockOptions) -> SimulatedDevice:
    """Return the device of ``spec``. It has no clock, so ``clock`` has no effect."""
    born_us = birth_us(world, now_us)
    return LaneDevice(spec, world, GongNode(f"G-{spec.lane:04}", born_us), sense, born_us)


SIMULATOR = Simulator("target.gong", DeviceKind.TARGET, split_lines, make)
