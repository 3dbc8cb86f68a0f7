"""Stand-ins on the far side of the wire, and the simulated range on whose events they all agree."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from simulators.hosttime import HostTime
    from simulators.process import ProcessEvent, ProcessOptions, UsageError, parse_devices, serve
    from simulators.stand import Stand

__all__ = [
    "HostTime",
    "ProcessEvent",
    "ProcessOptions",
    "Stand",
    "UsageError",
    "parse_devices",
    "serve",
]

_HOMES: Final = {
    "HostTime": "hosttime",
    "ProcessEvent": "process",
    "ProcessOptions": "process",
    "Stand": "stand",
    "UsageError": "process",
    "parse_devices": "process",
    "serve": "process",
}
"""Modules loaded at the first use of a name: a simulator that only needs the host's time loads no argument parser."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
