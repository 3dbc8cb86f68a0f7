"""Public names for authors of simulated devices: the interface of a device, the simulated range, and a test stand.

The stand for devices at pins is loaded on first use, because it needs the extra ``gpio``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from simulators.devices.clock import ClockOptions
from simulators.devices.contract import (
    DeviceFault,
    DeviceSpec,
    Drive,
    FaultyDevice,
    Framing,
    PinDevice,
    PinSimulator,
    SimulatedDevice,
    Simulator,
    TagPad,
    TagState,
)
from simulators.devices.lane_device import LaneDevice, birth_us
from simulators.stand import Stand
from simulators.world import Event, EventKind, World

if TYPE_CHECKING:
    from simulators.pins.thread import PinThread

__all__ = [
    "ClockOptions",
    "DeviceFault",
    "DeviceSpec",
    "Drive",
    "Event",
    "EventKind",
    "FaultyDevice",
    "Framing",
    "LaneDevice",
    "PinDevice",
    "PinSimulator",
    "PinThread",
    "SimulatedDevice",
    "Simulator",
    "Stand",
    "TagPad",
    "TagState",
    "World",
    "birth_us",
]


def __getattr__(name: str) -> object:
    if name != "PinThread":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("simulators.pins.thread"), name)
