"""Simulated devices, one file per driver, registered under the driver's name; each turns bytes and time into bytes."""

from simulators.devices.contract import DeviceSpec, Framing, SimulatedDevice, Simulator
from simulators.devices.registry import UnknownSimulator, load_simulator, range_driver, simulator_names

__all__ = [
    "DeviceSpec",
    "Framing",
    "SimulatedDevice",
    "Simulator",
    "UnknownSimulator",
    "load_simulator",
    "range_driver",
    "simulator_names",
]
