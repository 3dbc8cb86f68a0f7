"""Hardware access: the driver contract, its errors and registry, clocks, transports, and one folder per protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
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
        Pulse,
        Reading,
        ReadingKind,
        ReleaseCause,
        Report,
        Source,
        Stamp,
        StreamStart,
        stream_of,
    )
    from drivers.errors import DeviceLost, DeviceUnavailable, DriverConfigError, DriverError, ProtocolError
    from drivers.registry import DriverClass, driver_names, load_driver

__all__ = [
    "Capability",
    "ClockModel",
    "Command",
    "CommandResult",
    "DeviceIdentity",
    "DeviceKind",
    "DeviceLost",
    "DeviceUnavailable",
    "Driver",
    "DriverClass",
    "DriverConfigError",
    "DriverError",
    "DriverInfo",
    "Maturity",
    "ProtocolError",
    "Pulse",
    "Reading",
    "ReadingKind",
    "ReleaseCause",
    "Report",
    "Source",
    "Stamp",
    "StreamStart",
    "driver_names",
    "load_driver",
    "stream_of",
]

_HOMES: Final = {
    "Capability": "contract",
    "ClockModel": "contract",
    "Command": "contract",
    "CommandResult": "contract",
    "DeviceIdentity": "contract",
    "DeviceKind": "contract",
    "DeviceLost": "errors",
    "DeviceUnavailable": "errors",
    "Driver": "contract",
    "DriverClass": "registry",
    "DriverConfigError": "errors",
    "DriverError": "errors",
    "DriverInfo": "contract",
    "Maturity": "contract",
    "ProtocolError": "errors",
    "Pulse": "contract",
    "Reading": "contract",
    "ReadingKind": "contract",
    "ReleaseCause": "contract",
    "Report": "contract",
    "Source": "contract",
    "Stamp": "contract",
    "StreamStart": "contract",
    "driver_names": "registry",
    "load_driver": "registry",
    "stream_of": "contract",
}
"""Modules loaded at the first use of a name: a process that only needs the host's clock loads no Pydantic."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
