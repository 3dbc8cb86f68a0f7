"""Simulated devices, one file per driver, registered under its name: each turns bytes and time into bytes, or time into levels."""

from simulators.devices.contract import (
    AnySimulator,
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
from simulators.devices.registry import (
    NoLine,
    UnknownSimulator,
    load_line_simulator,
    load_simulator,
    range_driver,
    simulator_names,
)

__all__ = [
    "AnySimulator",
    "DeviceFault",
    "DeviceSpec",
    "Drive",
    "FaultyDevice",
    "Framing",
    "NoLine",
    "PinDevice",
    "PinSimulator",
    "SimulatedDevice",
    "Simulator",
    "TagPad",
    "TagState",
    "UnknownSimulator",
    "load_line_simulator",
    "load_simulator",
    "range_driver",
    "simulator_names",
]
