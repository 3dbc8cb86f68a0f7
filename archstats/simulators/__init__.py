"""Public names for authors of simulated devices: the interface of a device, the simulated range, and a test stand."""

from __future__ import annotations

from simulators.devices.clock import ClockOptions
from simulators.devices.contract import DeviceSpec, Framing, SimulatedDevice, Simulator
from simulators.devices.lane_device import LaneDevice, birth_us
from simulators.stand import Stand
from simulators.world import Event, EventKind, World

__all__ = [
    "ClockOptions",
    "DeviceSpec",
    "Event",
    "EventKind",
    "Framing",
    "LaneDevice",
    "SimulatedDevice",
    "Simulator",
    "Stand",
    "World",
    "birth_us",
]
