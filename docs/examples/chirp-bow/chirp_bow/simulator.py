"""Simulated Chirp bow clip."""

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

from chirp_bow.codec import Decoder, Frame, Kind, encode, split_frames

FOREVER_US = 1 << 62
SENSED = {EventKind.ENGAGE: Frame(Kind.NOCKED), EventKind.RELEASE: Frame(Kind.LOOSED)}
ANSWERS = {Kind.HELLO_REQUEST: Frame(Kind.HELLO, 1), Kind.STATUS_REQUEST: Frame(Kind.STATUS, 80)}


class ChirpNode:
    """State machine of the clip."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._events: list[bytes] = []
        self._up_us = 0

    def sense(self, event: Frame, at_us: int) -> None:
        """Store an event."""
        if at_us >= self._up_us:
            self._events.append(encode(event))

    def poll(self, now_us: int) -> list[bytes]:
        """Return the events."""
        events, self._events = self._events, []
        return events

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Answer requests, after the events that happened before."""
        if now_us < self._up_us:
            return []
        answers = [encode(ANSWERS[frame.kind]) for frame in self._decoder.feed(data) if frame.kind in ANSWERS]
        return [*self.poll(now_us), *answers]

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Stop, and start again later."""
        self._events.clear()
        self._up_us = now_us + blind_us

    def next_due_us(self) -> int:
        """Return the instant of the next frame: the clip sends none unless asked."""
        return 0 if self._events else FOREVER_US


def sense(event: Event) -> Frame | None:
    """The clip's frame for an event of its lane."""
    return SENSED.get(event.kind)


def make(spec: DeviceSpec, world: World, now_us: int, clock: ClockOptions) -> SimulatedDevice:
    """Return the clip of ``spec``."""
    return LaneDevice(spec, world, ChirpNode(), sense, birth_us(world, now_us))


SIMULATOR = Simulator("bow.chirp", DeviceKind.BOW, split_frames, make)
