"""Public names for authors of drivers: the contract, errors, clocks and transports.

The contract suite is in :mod:`archstats.drivers.contract_suite`. The transports are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from drivers.clock import (
    ClockFilter,
    ClockPair,
    Instant,
    Probe,
    TimeTransfer,
    clock_pair,
    host_boot_id,
    host_now,
    mono_of,
    stamp_of,
    uncertainty_of,
    utc_of,
)
from drivers.contract import (
    Capability,
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    Driver,
    DriverInfo,
    Maturity,
    Progress,
    Pulse,
    Reading,
    ReadingKind,
    ReleaseCause,
    Report,
    ReportProgress,
    SensorOrigin,
    Source,
    Stamp,
    StreamStart,
    ignore_progress,
    stream_of,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError, DriverError, ProtocolError
from drivers.host_stream import HostStream, Poll

if TYPE_CHECKING:
    from drivers.transport.edges import Edge, InputPin, Levels, Pull
    from drivers.transport.flight_recorder import FlightRecorder
    from drivers.transport.pins import InputPins, open_inputs
    from drivers.transport.serial import Chunk, SerialPort, open_port
    from drivers.transport.threads import run_in_thread

__all__ = [
    "Capability",
    "Chunk",
    "ClockFilter",
    "ClockModel",
    "ClockPair",
    "Command",
    "CommandResult",
    "DeviceIdentity",
    "DeviceKind",
    "DeviceLost",
    "DeviceUnavailable",
    "Driver",
    "DriverConfigError",
    "DriverError",
    "DriverInfo",
    "Edge",
    "FlightRecorder",
    "HostStream",
    "InputPin",
    "InputPins",
    "Instant",
    "Levels",
    "Maturity",
    "Poll",
    "Probe",
    "Progress",
    "ProtocolError",
    "Pull",
    "Pulse",
    "Reading",
    "ReadingKind",
    "ReleaseCause",
    "Report",
    "ReportProgress",
    "SensorOrigin",
    "SerialPort",
    "Source",
    "Stamp",
    "StreamStart",
    "TimeTransfer",
    "clock_pair",
    "host_boot_id",
    "host_now",
    "ignore_progress",
    "mono_of",
    "open_inputs",
    "open_port",
    "run_in_thread",
    "stamp_of",
    "stream_of",
    "uncertainty_of",
    "utc_of",
]

_TRANSPORTS = {
    "Chunk": "drivers.transport.serial",
    "Edge": "drivers.transport.edges",
    "FlightRecorder": "drivers.transport.flight_recorder",
    "InputPin": "drivers.transport.edges",
    "InputPins": "drivers.transport.pins",
    "Levels": "drivers.transport.edges",
    "Pull": "drivers.transport.edges",
    "SerialPort": "drivers.transport.serial",
    "open_inputs": "drivers.transport.pins",
    "open_port": "drivers.transport.serial",
    "run_in_thread": "drivers.transport.threads",
}


def __getattr__(name: str) -> object:
    if name not in _TRANSPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_TRANSPORTS[name]), name)
